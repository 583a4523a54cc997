import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { KubernetesObject } from '#libs/apimachinery';
import type { Client, ResourceRef } from '#libs/client';
import type { Registry } from '#libs/telemetry';

export interface MetricsServerOptions {
  readonly registry: Registry;
  /** Asks the API who may read. */
  readonly client: Client;
  readonly host: string;
  readonly port: number;
  /** Files, PEM. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly clientCa: string;
}

interface SubjectAccessReview extends KubernetesObject {
  readonly spec: object;
  readonly status?: { readonly allowed: boolean };
}
const reviews: ResourceRef<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'subjectaccessreviews',
};

/**
 * `/metrics` on the kubelet's port, over TLS. Who shows a client certificate of the cluster's authority is let in where
 * the API says that it may `get /metrics`; `/healthz` is open. Resolves, once it listens, to what closes it.
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<() => Promise<void>> {
  const server = createServer(
    {
      cert: readFileSync(options.certificate),
      key: readFileSync(options.privateKey),
      ca: readFileSync(options.clientCa),
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
      answer(options, request.socket as TLSSocket).then(
        ({ status, text }) => end(status, text, options.registry.contentType),
        (error: unknown) => end(500, `${(error as Error).message}\n`),
      );
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
}

async function answer(
  { client, registry }: MetricsServerOptions,
  socket: TLSSocket,
): Promise<{ readonly status: number; readonly text: string }> {
  const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
  if (subject?.CN === undefined)
    return { status: 401, text: 'a client certificate of this cluster is required\n' };
  const organizations: string | string[] = subject.O ?? [];
  const review = await client.resource(reviews).create({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {},
    spec: {
      user: String(subject.CN),
      groups: [...(Array.isArray(organizations) ? organizations : [organizations]), 'system:authenticated'],
      nonResourceAttributes: { path: '/metrics', verb: 'get' },
    },
  });
  if (review.status?.allowed !== true)
    return { status: 403, text: `User "${String(subject.CN)}" cannot get path "/metrics"\n` };
  return { status: 200, text: await registry.metrics() };
}
