import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface ClusterAccess {
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

interface Named {
  readonly name: string;
}
interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters?: (Named & { cluster: Record<string, string> })[];
  readonly users?: (Named & { user: Record<string, string> })[];
  readonly contexts?: (Named & { context: Record<string, string> })[];
}

function named<T extends Named>(
  list: readonly T[] | undefined,
  name: string | undefined,
  what: string,
  path: string,
): T {
  const found = list?.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`${path} names the ${what} "${name ?? ''}" but does not hold it`);
  return found;
}

/** Reads a context of a kubeconfig, by default the current one. Throws with the file's name when something is missing. */
export function readKubeconfig(path: string, contextName?: string): ClusterAccess {
  const config = parse(readFileSync(path, 'utf8')) as Kubeconfig;
  const { context } = named(config.contexts, contextName ?? config['current-context'], 'context', path);
  const { cluster } = named(config.clusters, context['cluster'], 'cluster', path);
  const { user } = named(config.users, context['user'], 'user', path);
  if (cluster['server'] === undefined) throw new Error(`${path} holds no server for "${context['cluster']}"`);
  const pem = (fields: Record<string, string>, name: string): string | undefined =>
    fields[`${name}-data`] === undefined
      ? fields[name] && readFileSync(fields[name], 'utf8')
      : Buffer.from(fields[`${name}-data`] ?? '', 'base64').toString();
  return {
    server: cluster['server'],
    ca: pem(cluster, 'certificate-authority'),
    cert: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
    token: user['token'],
  };
}
