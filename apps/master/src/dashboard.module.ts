import { Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import type { MemberStatus } from '#libs/consensus';
import type { Logger } from '#libs/telemetry';
import { askSupervisor, type ControlRequest } from '../../cli/src/cluster/control.js';
import type { FaultNote, FaultOrder } from '../../dashboard/protocol.js';
import type { FaultReport } from '../../dashboard/server/collector.js';
import { Dashboard, type FaultPort } from '../../dashboard/server/dashboard.js';
import type { Certificates } from './certificates/certificates.js';
import type { MasterConfig } from './config.js';
import { ConsensusModule } from './consensus/consensus.module.js';
import { embedded, type Engine } from './consensus/engine.js';
import { CERTIFICATES, DASHBOARD, LOGGER, MASTER_CONFIG, STORAGE } from './tokens.js';
import { productVersion } from './version.js';

/** The supervisor of a local cluster, which does the faults that the page asks for. */
function faultPort({ supervisorDir, faultInjection }: MasterConfig): FaultPort | undefined {
  if (supervisorDir === undefined || !faultInjection) return undefined;
  return {
    report: async () => (await askSupervisor(supervisorDir, { command: 'faults' })) as FaultReport,
    apply: async (order) => {
      const request = { ...controlRequest(order), id: order.id };
      return (await askSupervisor(supervisorDir, request)) as FaultNote;
    },
  };
}

function controlRequest({ fault, master = '' }: FaultOrder): ControlRequest {
  switch (fault) {
    case 'kill':
      return { command: 'kill', master, stayDown: false };
    case 'partition':
      return { command: 'partition', master, direction: 'both' };
    case 'heal':
      return { command: 'heal' };
    case 'transfer':
      return master === '' ? { command: 'transfer' } : { command: 'transfer', to: master };
    case 'pause':
    case 'resume':
      return { command: fault, master };
  }
}

function createDashboard(
  config: MasterConfig,
  storage: Engine,
  certificates: Certificates,
  logger: Logger,
): Dashboard {
  const replica = embedded(storage);
  return new Dashboard({
    cluster: config.clusterName,
    self: config.name,
    storage,
    metrics: replica === undefined ? undefined : () => replica.metrics(),
    version: productVersion(),
    // The others give their observations to administrators alone; a master is no less than that.
    trust: () => ({ ca: certificates.current.ca.certificate, identity: certificates.current.admin }),
    urlOf: ({ name, peerUrl }: MemberStatus) =>
      config.apiUrls[name] ?? `https://${new URL(peerUrl).host.replace(/:\d+$/, '')}:${config.securePort}`,
    faults: faultPort(config),
    onFault: (error) => logger.warn({ error: (error as Error).message }, 'the dashboard lacks something'),
  });
}

/** The dashboard of this master; its paths are mounted by the API server, behind authentication. */
@Module({
  imports: [ConsensusModule],
  providers: [
    {
      provide: DASHBOARD,
      useFactory: createDashboard,
      inject: [MASTER_CONFIG, STORAGE, CERTIFICATES, LOGGER],
    },
  ],
  exports: [DASHBOARD],
})
export class DashboardModule implements OnModuleDestroy {
  readonly #dashboard: Dashboard;

  constructor(@Inject(DASHBOARD) dashboard: Dashboard) {
    this.#dashboard = dashboard;
  }

  onModuleDestroy(): void {
    this.#dashboard.close();
  }
}
