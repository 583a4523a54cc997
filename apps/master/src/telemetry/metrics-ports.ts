import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type Authorizer, mayAccessPath } from '#libs/apiserver';
import type { KeyPair } from '#libs/pki';
import type { ComponentName, Telemetry } from './telemetry.js';

export interface MetricsPortsOptions {
  readonly telemetry: Telemetry;
  readonly authorizer: Authorizer;
  readonly serving: KeyPair;
  readonly clientCa: string;
  readonly bindAddress: string;
  readonly ports: Readonly<Partial<Record<ComponentName, number>>>;
}

/**
 * `/metrics` of each component on the port that Kubernetes gives it, over TLS. A client certificate with the right to
 * `get /metrics` is demanded, as on the API port; `/healthz` is open.
 */
export async function openMetricsPorts(options: MetricsPortsOptions): Promise<() => Promise<void>> {
  const servers = await Promise.all(
    Object.entries(options.ports).map(async ([component, port]) =>
      open(options, component as ComponentName, port),
    ),
  );
  return async () => {
    await Promise.all(
      servers.map(async (server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  };
}

async function open(options: MetricsPortsOptions, component: ComponentName, port: number): Promise<Server> {
  const { serving, clientCa, bindAddress } = options;
  const server = createServer(
    {
      key: serving.privateKey,
      cert: serving.certificate,
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const end = (status: number, text: string, contentType = 'text/plain; charset=utf-8'): void => {
        response.writeHead(status, { 'content-type': contentType }).end(text);
      };
      const path = (request.url ?? '').split('?')[0];
      if (path === '/healthz') return end(200, 'ok');
      if (path !== '/metrics') return end(404, 'not found: /metrics and /healthz are here\n');
      answer(options, component, request.socket as TLSSocket).then(
        (reply) => end(reply.status, reply.text, reply.contentType),
        (error: unknown) => end(500, `${(error as Error).message}\n`),
      );
    },
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

async function answer(
  { telemetry, authorizer }: MetricsPortsOptions,
  component: ComponentName,
  socket: TLSSocket,
): Promise<{ status: number; text: string; contentType?: string }> {
  const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
  if (subject?.CN === undefined)
    return { status: 401, text: 'a client certificate of this cluster is required\n' };
  const organizations: string | string[] = subject.O ?? [];
  const username = String(subject.CN);
  const user = {
    username,
    groups: [...(Array.isArray(organizations) ? organizations : [organizations]), 'system:authenticated'],
  };
  if (!(await mayAccessPath(authorizer, user, 'get', '/metrics')))
    return { status: 403, text: `User "${username}" cannot get path "/metrics"\n` };
  return { status: 200, ...(await telemetry.exposition(component)) };
}
