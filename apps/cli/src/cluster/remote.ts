import { dirname } from 'node:path';
import { loadClusterConfig } from '../../../master/src/config.js';
import { UserError } from '../ui/errors.js';
import type { ClusterState } from './state.js';

/**
 * A cluster that no supervisor of this machine runs, as the configuration of its masters tells it: all serve on the
 * same port, under the host that their peers know. Throws UserError.
 */
export function remoteCluster(configFile: string): ClusterState {
  let config: ReturnType<typeof loadClusterConfig>;
  try {
    config = loadClusterConfig(configFile);
  } catch (error) {
    throw new UserError((error as Error).message, 'see "One master" in docs/operations.md');
  }
  const { clusterName, clusterId, securePort, etcdMetricsPort, controllerManagerPort, schedulerPort } =
    config;
  const ports = { apiPort: securePort, etcdMetricsPort, controllerManagerPort, schedulerPort };
  return {
    name: clusterName,
    clusterId,
    dataDir: dirname(config.pkiDir),
    port: securePort,
    nodes: 0,
    kubeconfig: '',
    masters: config.members.map(({ id, name, host, port }) => ({ id, name, host, peerPort: port, ...ports })),
  };
}
