import { setMaxListeners } from 'node:events';
import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Scheme } from '#libs/apimachinery';
import type { ApiServer } from '#libs/apiserver';
import { createClient, createInProcessTransport, type Transport } from '#libs/client';
import type { Storage } from '#libs/consensus';
import { startControllers } from '#libs/controllers';
import { startScheduler } from '#libs/scheduler';
import type { Logger } from '#libs/telemetry';
import { ApiserverModule } from '../apiserver/apiserver.module.js';
import type { Certificates } from '../certificates/certificates.js';
import type { MasterConfig } from '../config.js';
import { ConsensusModule } from '../consensus/consensus.module.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { API_SERVER, CERTIFICATES, LOGGER, MASTER_CONFIG, SCHEME, STORAGE, TELEMETRY } from '../tokens.js';
import { keepBootstrapped } from './bootstrap.js';
import { type Duty, LeaderDuties } from './leader-duties.js';
import { firstAddress } from './service-range.js';

interface Parts {
  readonly config: MasterConfig;
  readonly certificates: Certificates;
  readonly api: ApiServer;
  readonly scheme: Scheme;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
}

/** A transport into this replica's own API, fenced by the term. */
function transportAs(api: ApiServer, username: string, groups: readonly string[], term: number): Transport {
  const user = { username, groups: [...groups, 'system:authenticated'] };
  return createInProcessTransport(api.handle, { user, fence: term, userAgent: username });
}

function dutiesOf({ config, certificates, api, scheme, telemetry, logger }: Parts): Duty[] {
  const external = new URL(config.externalUrl ?? `https://127.0.0.1:${config.securePort}`);
  const masters = ['system:masters'];
  return [
    {
      name: 'bootstrap',
      run: async (term, signal) =>
        keepBootstrapped(
          {
            client: createClient(transportAs(api, 'system:apiserver', masters, term)),
            scheme,
            serviceIp: firstAddress(config.serviceClusterIpRange),
            endpoint: { host: external.hostname, port: Number(external.port) || 443 },
          },
          signal,
        ),
    },
    {
      name: 'controllers',
      run: async (term, signal) => {
        // They publish the authority to pods: another one is published by a fresh start.
        while (!signal.aborted) {
          const stop = untilAuthorityChanges(certificates, signal);
          await untilStopped(
            startControllers({
              transport: telemetry.counted(
                'controller-manager',
                transportAs(api, 'system:kube-controller-manager', masters, term),
              ),
              signal: stop,
              rootCa: certificates.current.ca.certificate,
              onEventDropped: (component) => telemetry.eventDropped(component),
              workQueueMetrics: (name) => telemetry.workQueue(name),
              onError: (error, what) =>
                logger.warn({ what, error: (error as Error).message }, 'will try again'),
            }),
            stop,
          );
        }
      },
    },
    {
      name: 'scheduler',
      run: async (term, signal) =>
        untilStopped(
          startScheduler({
            transport: telemetry.counted(
              'scheduler',
              transportAs(api, 'system:kube-scheduler', masters, term),
            ),
            signal,
            metrics: telemetry.scheduler,
            onEventDropped: (component) => telemetry.eventDropped(component),
            onError: (error, what) =>
              logger.warn({ what, error: (error as Error).message }, 'will try again'),
          }),
          signal,
        ),
    },
  ];
}

/** Aborts with the signal, or as soon as the API's authority is another. */
function untilAuthorityChanges(certificates: Certificates, signal: AbortSignal): AbortSignal {
  const changed = new AbortController();
  setMaxListeners(0, changed.signal);
  const forget = certificates.onChange((now, before) => {
    if (now.ca.certificate !== before.ca.certificate) changed.abort();
  });
  const end = (): void => changed.abort();
  signal.addEventListener('abort', end, { once: true });
  changed.signal.addEventListener('abort', () => {
    forget();
    signal.removeEventListener('abort', end);
  });
  return changed.signal;
}

/** Resolves when the signal has aborted and what was started has ended. */
async function untilStopped(running: { stop(): Promise<void> }, signal: AbortSignal): Promise<void> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await running.stop();
}

/** Controllers and scheduler, run by whoever leads. */
@Module({ imports: [ConsensusModule, ApiserverModule] })
export class LeaderModule implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #duties: LeaderDuties;

  constructor(
    @Inject(MASTER_CONFIG) config: MasterConfig,
    @Inject(CERTIFICATES) certificates: Certificates,
    @Inject(STORAGE) storage: Storage,
    @Inject(API_SERVER) api: ApiServer,
    @Inject(SCHEME) scheme: Scheme,
    @Inject(TELEMETRY) telemetry: Telemetry,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.#duties = new LeaderDuties(
      storage,
      dutiesOf({ config, certificates, api, scheme, telemetry, logger }),
      logger,
    );
  }

  onApplicationBootstrap(): void {
    this.#duties.start();
  }

  onModuleDestroy(): void {
    this.#duties.stop();
  }
}
