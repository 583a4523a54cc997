import { Module } from '@nestjs/common';
import { createScheme, type Scheme } from '#libs/apimachinery';
import {
  type ApiServer,
  createApiServer,
  createSecurity,
  DecodedCache,
  defaultAdmission,
  type HealthRegistry,
  type Security,
  serverPaths,
} from '#libs/apiserver';
import type { Storage } from '#libs/consensus';
import type { ClusterPki } from '#libs/pki';
import type { Logger } from '#libs/telemetry';
import type { MasterConfig } from '../config.js';
import type { Engine } from '../consensus/engine.js';
import { ConsensusModule } from '../consensus/consensus.module.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import {
  API_SERVER,
  CLUSTER_PKI,
  HEALTH,
  LOGGER,
  MASTER_CONFIG,
  SCHEME,
  SECURITY,
  STOPPING,
  STORAGE,
  TELEMETRY,
} from '../tokens.js';
import { adminPaths } from './admin-paths.js';
import { createHealth } from './health.js';
import { metricsPath } from './metrics-path.js';
import { productVersion } from '../version.js';

async function makeSecurity(storage: Storage, pki: ClusterPki, decoded: DecodedCache): Promise<Security> {
  return createSecurity({
    storage,
    decoded,
    serviceAccountKeys: { privateKey: pki.serviceAccount.privateKey },
  });
}

function makeApiServer(
  storage: Engine,
  scheme: Scheme,
  decoded: DecodedCache,
  security: Security,
  health: HealthRegistry,
  telemetry: Telemetry,
  config: MasterConfig,
  logger: Logger,
): ApiServer {
  return createApiServer({
    storage,
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
      adminPaths({ storage, health, logger, faultInjection: config.faultInjection }),
      ...security.paths,
      ...serverPaths({ scheme, productVersion: productVersion() }),
    ],
    metrics: { onRequestDone: (done) => telemetry.requestDone(done) },
    onFault: (error, request) =>
      logger.error(
        { method: request.method, path: request.path, error: (error as Error).stack },
        'request failed',
      ),
  });
}

/** The API of this replica: who may ask (Security), what it serves (Scheme), and how (ApiServer). */
@Module({
  imports: [ConsensusModule],
  providers: [
    { provide: SCHEME, useFactory: createScheme },
    { provide: DecodedCache, useFactory: () => new DecodedCache() },
    { provide: SECURITY, useFactory: makeSecurity, inject: [STORAGE, CLUSTER_PKI, DecodedCache] },
    {
      provide: HEALTH,
      useFactory: (storage: Storage, stopping: AbortController, logger: Logger) =>
        createHealth(storage, stopping.signal, logger),
      inject: [STORAGE, STOPPING, LOGGER],
    },
    {
      provide: API_SERVER,
      useFactory: makeApiServer,
      inject: [STORAGE, SCHEME, DecodedCache, SECURITY, HEALTH, TELEMETRY, MASTER_CONFIG, LOGGER],
    },
  ],
  exports: [SCHEME, SECURITY, HEALTH, API_SERVER],
})
export class ApiserverModule {}
