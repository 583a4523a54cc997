import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { HttpTransportOptions } from '#libs/client';
import { UserError } from '../ui/errors.js';

/** Where Kubernetes mounts the identity of a pod. */
const identityDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How a pod reaches the API of the cluster that it runs in. Throws UserError outside of one. */
export function inClusterAccess(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  directory = identityDirectory,
): HttpTransportOptions {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'];
  const token = join(directory, 'token');
  if (host === undefined || port === undefined || !existsSync(token)) {
    throw new UserError(
      'this is no pod with a service account: there is no cluster to write to',
      'name a cluster with --kubeconfig <file>',
    );
  }
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: readFileSync(join(directory, 'ca.crt')),
    // Read anew each time: the kubelet rotates it.
    token: () => readFileSync(token, 'utf8').trim(),
  };
}
