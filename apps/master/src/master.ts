import type { Http2SecureServer } from 'node:http2';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Scheme } from '#libs/apimachinery';
import {
  type ApiServer,
  apiServerFactory,
  drain,
  type HttpOptions,
  registerApi,
  type Security,
} from '#libs/apiserver';
import type { KeyPair } from '#libs/pki';
import { type Logger, startTracing, type Tracing } from '#libs/telemetry';
import { Certificates } from './certificates/certificates.js';
import { reloadOnChange } from './certificates/reload.js';
import { embedded, type Engine } from './consensus/engine.js';
import type { MasterConfig } from './config.js';
import { startEtcdService } from './etcd-service.js';
import { MasterModule } from './master.module.js';
import { handOver } from './shutdown.js';
import { observe } from './telemetry/observe.js';
import { type MetricsPorts, openMetricsPorts } from './telemetry/metrics-ports.js';
import { followed } from './telemetry/request-context.js';
import type { Telemetry } from './telemetry/telemetry.js';
import { API_SERVER, EVENT_STORE, SCHEME, SECURITY, STOPPING, STORAGE, TELEMETRY } from './tokens.js';

/** How long clients may take to go elsewhere: less than the balancer waits before it cuts them off. */
const drainMs = 400;

/**
 * Starts one master and resolves once its API listens; a leader may not be known yet (see /readyz). Resolves to what
 * stops it in order: leadership moves on, the API drains, the log closes. Rejects with what the operator can mend.
 */
export async function startMaster(config: MasterConfig, logger: Logger): Promise<() => Promise<void>> {
  const certificates = await Certificates.load(config, logger);
  const { serving } = certificates.own;
  const clientCa = certificates.current.ca.certificate;
  let http: HttpOptions | undefined;
  const serverFactory = apiServerFactory({
    tls: { key: serving.privateKey, cert: serving.certificate, ca: clientCa },
    api: () => http,
  });
  const tracing = await openTracing(config);
  const adapter = new FastifyAdapter({ serverFactory: serverFactory as never });
  const app = await NestFactory.create<NestFastifyApplication>(
    MasterModule.for(config, certificates, logger, tracing),
    adapter,
    {
      logger: false,
      bodyParser: false,
      abortOnError: false,
    },
  );
  const storage = app.get<Engine>(STORAGE);
  const telemetry = app.get<Telemetry>(TELEMETRY);
  const options: HttpOptions = {
    handle: followed(app.get<ApiServer>(API_SERVER).handle, tracing, logger),
    authenticator: app.get<Security>(SECURITY).authenticator,
    onFault: (error) => logger.error({ error: (error as Error).stack }, 'request failed'),
    onClientCertificate: (expiresAtMs) => telemetry.clientCertificateSeen(expiresAtMs),
    onTimeout: (kind) => telemetry.requestTimedOut(kind),
  };
  await registerApi(adapter.getInstance() as never, options);
  http = options;
  const metrics = await openMetrics(app, config, serving, clientCa);
  const etcd = await startEtcdService(config, storage);
  await listen(app, config);
  const api = app.getHttpServer() as unknown as Http2SecureServer;
  reloadOnChange(certificates, config, { api, metrics, replica: embedded(storage), etcd }, logger);
  const stopWatching = certificates.watch();
  logger.info({ port: config.securePort, member: config.memberId }, `${config.name} serves`);
  return async () => {
    // Not ready from here on: balancers send new connections elsewhere while this one still answers.
    app.get<AbortController>(STOPPING).abort();
    await handOver(storage, logger);
    stopWatching();
    await etcd.close();
    // Watches end in order before their connections do: clients resume elsewhere from where they were.
    app.get<ApiServer>(API_SERVER).close();
    await drain(api, drainMs);
    await metrics.close();
    await app.close();
    await tracing?.close();
  };
}

async function openTracing({ name, clusterName, tracing }: MasterConfig): Promise<Tracing | undefined> {
  if (tracing === undefined) return undefined;
  const { endpoint, file, sampleRatio } = tracing;
  return startTracing({
    instance: name,
    cluster: clusterName,
    sampleRatio,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(file === undefined ? {} : { file }),
  });
}

async function listen(app: NestFastifyApplication, config: MasterConfig): Promise<void> {
  try {
    await app.listen(config.securePort, config.bindAddress);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`port ${config.securePort} of ${config.bindAddress} is in use by another process`, {
      cause: error,
    });
  }
}

async function openMetrics(
  app: NestFastifyApplication,
  config: MasterConfig,
  serving: KeyPair,
  clientCa: string,
): Promise<MetricsPorts> {
  const telemetry = app.get<Telemetry>(TELEMETRY);
  const storage = app.get<Engine>(STORAGE);
  observe(telemetry, storage, app.get<ApiServer>(API_SERVER), app.get<Scheme>(SCHEME), app.get(EVENT_STORE));
  return openMetricsPorts({
    telemetry,
    authorizer: app.get<Security>(SECURITY).authorizer,
    serving,
    clientCa,
    bindAddress: config.bindAddress,
    ports: {
      // An etcd elsewhere tells its own metrics.
      ...('engine' in storage ? {} : { etcd: config.etcdMetricsPort }),
      'controller-manager': config.controllerManagerPort,
      scheduler: config.schedulerPort,
    },
  });
}
