import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { KubernetesObject } from '#libs/apimachinery';
import type { Client, ResourceRef } from '#libs/client';
import { metricsHandler, type MetricsReader, type Registry } from '#libs/telemetry';

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
    metricsHandler({
      isAllowed: async (reader) => mayRead(options.client, reader),
      exposition: async () => ({
        contentType: options.registry.contentType,
        text: await options.registry.metrics(),
      }),
    }),
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

async function mayRead(client: Client, { username, groups }: MetricsReader): Promise<boolean> {
  const review = await client.resource(reviews).create({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {},
    spec: { user: username, groups, nonResourceAttributes: { path: '/metrics', verb: 'get' } },
  });
  return review.status?.allowed === true;
}
