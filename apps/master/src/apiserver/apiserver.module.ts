import { Module } from '@nestjs/common';
import { createScheme, type Scheme } from '#libs/apimachinery';
import {
  type ApiServer,
  createApiServer,
  createSecurity,
  DecodedCache,
  defaultAdmission,
  type EventStore,
  type HealthRegistry,
  requestIdOf,
  type Security,
  serverPaths,
} from '#libs/apiserver';
import type { Storage } from '#libs/consensus';
import type { Logger } from '#libs/telemetry';
import type { Certificates } from '../certificates/certificates.js';
import type { MasterConfig } from '../config.js';
import type { Engine } from '../consensus/engine.js';
import { ConsensusModule } from '../consensus/consensus.module.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import {
  API_SERVER,
  CERTIFICATES,
  DASHBOARD,
  EVENT_STORE,
  HEALTH,
  LOGGER,
  MASTER_CONFIG,
  SCHEME,
  SECURITY,
  STOPPING,
  STORAGE,
  TELEMETRY,
} from '../tokens.js';
import type { Dashboard } from '../../../dashboard/server/dashboard.js';
import { DashboardModule } from '../dashboard.module.js';
import { adminPaths } from './admin-paths.js';
import { createHealth } from './health.js';
import { metricsPath } from './metrics-path.js';
import { productVersion } from '../version.js';

async function makeSecurity(
  storage: Storage,
  certificates: Certificates,
  decoded: DecodedCache,
): Promise<Security> {
  return createSecurity({
    storage,
    decoded,
    serviceAccountKeys: { privateKey: certificates.current.serviceAccount.privateKey },
  });
}

function makeApiServer(
  storage: Engine,
  scheme: Scheme,
  decoded: DecodedCache,
  security: Security,
  health: HealthRegistry,
  telemetry: Telemetry,
  dashboard: Dashboard,
  config: MasterConfig,
  logger: Logger,
  events: EventStore | undefined,
): ApiServer {
  const api = createApiServer({
    storage,
    ...(events === undefined ? {} : { eventStore: events }),
    eventTtlSeconds: config.eventTtlSeconds,
    scheme,
    decoded,
    authorizer: security.authorizer,
    admission: [
      ...defaultAdmission({ serviceClusterIpRange: config.serviceClusterIpRange }),
      ...security.admission,
    ],
    virtual: security.virtual,
    subresources: security.subresources,
    paths: [
      health.handler,
      metricsPath(telemetry),
      adminPaths({ storage, health, logger, dataDir: config.dataDir, faultInjection: config.faultInjection }),
      dashboard.handler,
      ...security.paths,
      ...serverPaths({ scheme, productVersion: productVersion() }),
    ],
    metrics: {
      onRequestDone: (done) => {
        telemetry.requestDone(done);
        dashboard.requestDone(done);
      },
    },
    onFault: (error, request) =>
      logger.error(
        {
          requestId: requestIdOf(request),
          method: request.method,
          path: request.path,
          error: (error as Error).stack,
        },
        'request failed',
      ),
  });
  const { authorizer } = security;
  dashboard.attach({ handle: api.handle, authorizer, ready: () => health.passes('readyz') });
  return api;
}

/** The API of this replica: who may ask (Security), what it serves (Scheme), and how (ApiServer). */
@Module({
  imports: [ConsensusModule, DashboardModule],
  providers: [
    { provide: SCHEME, useFactory: createScheme },
    { provide: DecodedCache, useFactory: () => new DecodedCache() },
    { provide: SECURITY, useFactory: makeSecurity, inject: [STORAGE, CERTIFICATES, DecodedCache] },
    {
      provide: HEALTH,
      useFactory: (storage: Storage, stopping: AbortController, logger: Logger) =>
        createHealth(storage, stopping.signal, logger),
      inject: [STORAGE, STOPPING, LOGGER],
    },
    {
      provide: API_SERVER,
      useFactory: makeApiServer,
      inject: [
        STORAGE,
        SCHEME,
        DecodedCache,
        SECURITY,
        HEALTH,
        TELEMETRY,
        DASHBOARD,
        MASTER_CONFIG,
        LOGGER,
        EVENT_STORE,
      ],
    },
  ],
  exports: [SCHEME, SECURITY, HEALTH, API_SERVER],
})
export class ApiserverModule {}
