import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { MemberRemovedError, openExternal, openReplica } from '#libs/consensus';
import type { RedisEventStore } from '#libs/event-store';
import type { Logger, Tracing } from '#libs/telemetry';
import type { Certificates } from '../certificates/certificates.js';
import type { MasterConfig } from '../config.js';
import { readDiskFault } from './disk-fault-file.js';
import type { Engine } from './engine.js';
import { openEventStore } from './event-store.js';
import { externalOptions } from './external-options.js';
import { CERTIFICATES, EVENT_STORE, LOGGER, MASTER_CONFIG, STORAGE, TRACING } from '../tokens.js';

/** Tells a service manager that starting this master again is of no use. */
const removedExitCode = 3;

/**
 * Opens this replica: of the log, where it serves from its data directory at once, or over an external etcd. A leader comes
 * when a quorum does.
 */
async function openStorage(
  config: MasterConfig,
  certificates: Certificates,
  logger: Logger,
  tracing: Tracing | undefined,
): Promise<Engine> {
  const onWarning = (message: string): void => logger.warn({ component: 'consensus' }, message);
  const onFatal = (error: Error): void => {
    if (error instanceof MemberRemovedError) {
      logger.fatal({ component: 'consensus' }, error.message);
      process.exit(removedExitCode);
    }
    // Rather dead than wrong: the supervisor starts the replica again from what is durable.
    logger.fatal(
      { component: 'consensus', error: error.message },
      'the replica cannot keep its promises and ends',
    );
    process.exit(70);
  };
  const external = externalOptions(config);
  if (external !== undefined) return openExternal({ ...external, onWarning, onFatal });
  const { peer } = certificates.own;
  const self = config.members.find((member) => member.id === config.memberId);
  return openReplica({
    name: config.name,
    memberId: config.memberId,
    clusterId: config.clusterId,
    members: config.members.map((member) => ({
      ...member,
      observer: member.observer ?? (config.observer && member.id === config.memberId),
    })),
    join: config.join,
    dataDir: config.dataDir,
    listen: { host: config.bindAddress, port: self?.port ?? 0 },
    tls: {
      ca: certificates.current.peerCa.certificate,
      certificate: peer.certificate,
      privateKey: peer.privateKey,
    },
    tickMs: config.tickMs,
    electionTicks: config.electionTicks,
    heartbeatTicks: config.heartbeatTicks,
    quotaBytes: config.quotaBytes,
    ...(tracing === undefined ? {} : { trace: () => tracing.write() }),
    ...(config.faultInjection ? { diskFault: readDiskFault(config.dataDir) } : {}),
    diskReserveBytes: config.diskReserveBytes,
    onWarning,
    onFatal,
  });
}

@Module({
  providers: [
    { provide: STORAGE, useFactory: openStorage, inject: [MASTER_CONFIG, CERTIFICATES, LOGGER, TRACING] },
    { provide: EVENT_STORE, useFactory: openEventStore, inject: [MASTER_CONFIG, STORAGE, LOGGER] },
  ],
  exports: [STORAGE, EVENT_STORE],
})
export class ConsensusModule implements OnApplicationShutdown {
  readonly #storage: Engine;
  readonly #events: RedisEventStore | undefined;

  constructor(@Inject(STORAGE) storage: Engine, @Inject(EVENT_STORE) events: RedisEventStore | undefined) {
    this.#storage = storage;
    this.#events = events;
  }

  /** Last of all: the API has drained and its connections are closed. */
  async onApplicationShutdown(): Promise<void> {
    await this.#events?.close();
    await this.#storage.close();
  }
}
