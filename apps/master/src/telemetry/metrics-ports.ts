import { createServer, type Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { type Authorizer, mayAccessPath } from '#libs/apiserver';
import type { KeyPair } from '#libs/pki';
import { metricsHandler, type MetricsReader } from '#libs/telemetry';
import type { ComponentName, Telemetry } from './telemetry.js';

export interface MetricsPortsOptions {
  readonly telemetry: Telemetry;
  readonly authorizer: Authorizer;
  readonly serving: KeyPair;
  readonly clientCa: string;
  readonly bindAddress: string;
  readonly ports: Readonly<Partial<Record<ComponentName, number>>>;
}

export interface MetricsPorts {
  /** Other certificates from now on; connections begin anew. */
  reload(serving: KeyPair, clientCa: string): void;
  close(): Promise<void>;
}

/**
 * `/metrics` of each component on the port that Kubernetes gives it, over TLS. A client certificate with the right to
 * `get /metrics` is demanded, as on the API port; `/healthz` is open.
 */
export async function openMetricsPorts(options: MetricsPortsOptions): Promise<MetricsPorts> {
  const servers = await Promise.all(
    Object.entries(options.ports).map(async ([component, port]) =>
      open(options, component as ComponentName, port),
    ),
  );
  return {
    reload(serving, clientCa) {
      for (const server of servers) {
        server.setSecureContext(contextOf(serving, clientCa));
        // A scraper connects again with its next scrape, and is looked at anew.
        server.closeAllConnections();
      }
    },
    async close() {
      await Promise.all(
        servers.map(async (server) => {
          const closed = new Promise((resolve) => server.close(resolve));
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

function contextOf(serving: KeyPair, clientCa: string): SecureContextOptions {
  return { key: serving.privateKey, cert: serving.certificate, ca: clientCa };
}

async function open(options: MetricsPortsOptions, component: ComponentName, port: number): Promise<Server> {
  const { serving, clientCa, bindAddress } = options;
  const server = createServer(
    {
      ...contextOf(serving, clientCa),
      requestCert: true,
      rejectUnauthorized: false,
    },
    metricsHandler({
      isAllowed: async (reader) => mayRead(options.authorizer, reader),
      exposition: async () => options.telemetry.exposition(component),
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`port ${port} for the metrics of ${component} is in use by another process`)
          : error,
      );
    });
    server.listen(port, bindAddress, resolve);
  });
  return server;
}

async function mayRead(authorizer: Authorizer, { username, groups }: MetricsReader): Promise<boolean> {
  return mayAccessPath(authorizer, { username, groups: [...groups] }, 'get', '/metrics');
}
