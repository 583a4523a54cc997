import { HealthRegistry } from '#libs/apiserver';
import type { Storage } from '#libs/consensus';
import type { Logger } from '#libs/telemetry';

const lastBootstrapKey = '/registry/core/services/default/kubernetes';

/**
 * The checks of a master. livez needs no leader: a replica without a quorum is alive and must not be restarted for it.
 * readyz does, so that balancers send writes where they can be taken; it goes down first when the master stops.
 */
export function createHealth(storage: Storage, stopping: AbortSignal, logger: Logger): HealthRegistry {
  const health = new HealthRegistry((endpoint, failures) => {
    logger.debug({ endpoint, failures: Object.fromEntries(failures) }, 'health check failed');
  });
  health.add({
    name: 'log',
    endpoints: ['livez', 'readyz', 'healthz'],
    // Status is answered by the consensus thread's last report: a thread that died has stopped the process already.
    check: () => (storage.status().memberId > 0 ? undefined : 'the replica is closed'),
  });
  health.add({
    name: 'consensus',
    endpoints: ['readyz', 'healthz'],
    check: () => {
      const { quorum, leadership } = storage.status();
      if (leadership.leader === undefined) return 'no leader is known';
      return quorum ? undefined : 'the leader is out of reach';
    },
  });
  health.add({
    name: 'member',
    endpoints: ['readyz'],
    check: () => {
      const { memberId, members } = storage.status();
      const role = members.find(({ id }) => id === memberId)?.role;
      // Removed, it has a moment left: balancers are to be elsewhere by then. Or it was not added yet.
      if (role === undefined) return 'this master is no member of the cluster';
      return role === 'learner' ? 'this master learns, and is to be promoted' : undefined;
    },
  });
  health.add({
    name: 'data-corruption',
    endpoints: ['readyz', 'healthz'],
    check: () => {
      const { alarms, memberId } = storage.status();
      const corrupt = alarms.some((alarm) => alarm.type === 'corrupt' && alarm.memberId === memberId);
      return corrupt ? 'the data of this master differs from that of the others' : undefined;
    },
  });
  health.add({
    name: 'poststarthook/bootstrap',
    endpoints: ['readyz', 'healthz'],
    // The last object that bootstrap writes: with it, namespaces and default roles are there on this replica, too.
    check: () =>
      storage.get(lastBootstrapKey) === undefined ? 'the first objects are not written yet' : undefined,
  });
  health.add({
    name: 'shutdown',
    endpoints: ['readyz'],
    check: () => (stopping.aborted ? 'this master is stopping' : undefined),
  });
  return health;
}
