import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '#libs/apimachinery';
import { type Client, isNotFound, type ResourceClient, type ResourceRef } from '#libs/client';
import { type ClusterPki, ensureClusterPki, issueCertificate, kubeconfig } from '#libs/pki';

export interface PkiSecretsOptions {
  readonly namespace: string;
  /** The Secrets are `<prefix>-pki`, `<prefix>-admin`, `<prefix>-nodes` and `<prefix>-monitoring`. */
  readonly prefix: string;
  readonly masters: readonly string[];
  /** Names and addresses beside loopback under which the masters are reached. */
  readonly hosts: readonly string[];
  /** First address of the new cluster's Service range. */
  readonly serviceAddress: string;
  /** URL of the new cluster's API in the kubeconfigs. */
  readonly server: string;
}

type Outcome = 'created' | 'renewed' | 'unchanged';
/** Contents by key, not encoded. */
type Contents = Readonly<Record<string, string>>;

interface Secret extends KubernetesObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}
const secrets: ResourceRef<Secret> = { group: '', version: 'v1', resource: 'secrets' };

/** A key of a Secret holds no slash: `masters/a/peer.key` is kept as `masters.a.peer.key`. */
export const secretKey = (path: string): string => path.replaceAll('/', '.');

/**
 * Keeps a cluster's certificates in Secrets of another one: what is there and serves stays, the rest is issued. Masters
 * mount `-pki`; the other three hold no authority's key and are for people (`-admin`), node agents (`-nodes`) and
 * Prometheus (`-monitoring`); they are written anew with it. Says what became of each. Safe to repeat; two at once end
 * with a conflict in one of them.
 */
export async function ensurePkiSecrets(
  client: Client,
  options: PkiSecretsOptions,
): Promise<Readonly<Record<string, Outcome>>> {
  const store = client.resource(secrets);
  const write = async (suffix: string, contents: Contents, type?: string): Promise<[string, Outcome]> => {
    const name = `${options.prefix}-${suffix}`;
    return [name, await put(store, { name, namespace: options.namespace, contents, type })];
  };
  const directory = mkdtempSync(join(tmpdir(), 'trireme-pki-'));
  try {
    const present = await read(store, `${options.prefix}-pki`, options.namespace);
    if (present !== undefined) unpack(directory, options.masters, present);
    const pki = await ensureClusterPki(directory, options);
    const own = await write('pki', pack(join(directory, 'pki')));
    const made = own[1] !== 'unchanged';
    const done: [string, Outcome][] = [own];
    for (const [suffix, contents, type] of await derived(pki, options)) {
      const missing = (await read(store, `${options.prefix}-${suffix}`, options.namespace)) === undefined;
      done.push(
        made || missing ? await write(suffix, contents, type) : [`${options.prefix}-${suffix}`, 'unchanged'],
      );
    }
    return Object.fromEntries(done);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function derived(
  pki: ClusterPki,
  { prefix, server }: PkiSecretsOptions,
): Promise<[suffix: string, Contents, type?: string][]> {
  const agent = await issueCertificate(pki.ca, {
    commonName: 'trireme:simulated-nodes',
    organizations: ['trireme:node-agents'],
    usages: ['client'],
  });
  const configOf = (pair: typeof agent): Contents => ({
    kubeconfig: kubeconfig({
      name: prefix,
      server,
      caPem: pki.ca.certificate,
      certPem: pair.certificate,
      keyPem: pair.privateKey,
    }),
  });
  const monitoring = {
    'ca.crt': pki.ca.certificate,
    'tls.crt': pki.monitoring.certificate,
    'tls.key': pki.monitoring.privateKey,
  };
  return [
    ['admin', configOf(pki.admin)],
    ['nodes', configOf(agent)],
    ['monitoring', monitoring, 'kubernetes.io/tls'],
  ];
}

async function read(
  store: ResourceClient<Secret>,
  name: string,
  namespace: string,
): Promise<Secret | undefined> {
  try {
    return await store.get(name, { namespace });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function put(
  store: ResourceClient<Secret>,
  wanted: {
    readonly name: string;
    readonly namespace: string;
    readonly contents: Contents;
    readonly type: string | undefined;
  },
): Promise<Outcome> {
  const { name, namespace, contents, type = 'Opaque' } = wanted;
  const data = Object.fromEntries(
    Object.entries(contents).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  const present = await read(store, name, namespace);
  if (present === undefined) {
    await store.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type, data });
    return 'created';
  }
  if (isDeepStrictEqual({ ...present.data }, data)) return 'unchanged';
  await store.update({ ...present, data });
  return 'renewed';
}

/** Every file below a directory, by the key that a Secret has it under. */
function pack(directory: string): Contents {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  return Object.fromEntries(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [secretKey(relative(directory, path)), readFileSync(path, 'utf8')];
    }),
  );
}

/** Puts a Secret's files where the masters expect them. A master's name may hold dots, so its files are sought by it. */
function unpack(directory: string, masters: readonly string[], { data = {} }: Secret): void {
  const folders = masters.map((master) => `masters/${master}/`);
  for (const [key, encoded] of Object.entries(data)) {
    const folder = folders.find((one) => key.startsWith(secretKey(one))) ?? '';
    // A master that is no more leaves its files in the Secret: they are not carried on.
    if (folder === '' && key.startsWith('masters.')) continue;
    const path = join(directory, 'pki', folder, key.slice(folder.length));
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, Buffer.from(encoded, 'base64'), { mode: 0o600 });
  }
}
