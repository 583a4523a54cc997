import { isIP } from 'node:net';
import { join } from 'node:path';
import { makeDirectory, withFileLock } from './files.js';
import { NeedsWriting, PkiStore } from './store.js';
import { PkiError, type CertificateRequest, type KeyPair, type SigningKeys } from './types.js';

export interface ClusterPkiOptions {
  /** Names of the masters; each gets a serving and a peer certificate. */
  readonly masters: readonly string[];
  /** Host names and IP addresses beside loopback under which masters are reached (balancer, public names). */
  readonly hosts?: readonly string[];
  /** Address of the `kubernetes` Service, 10.96.0.1 by default. */
  readonly serviceAddress?: string;
  /** DNS suffix of Services, cluster.local by default. */
  readonly clusterDomain?: string;
  /** Names of nodes that get a client certificate at once; more with `ensureNodeCertificates`. */
  readonly nodes?: readonly string[];
  readonly now?: Date;
}

export interface MasterCertificates {
  /** TLS of the API and of the metrics ports, signed by `ca`. */
  readonly serving: KeyPair;
  /** Both ends of the consensus connections, signed by `peerCa` alone, so no API client passes for a peer. */
  readonly peer: KeyPair;
}

/** Everything, PEM. `paths` has the files that people and other programs are pointed at. */
export interface ClusterPki {
  readonly directory: string;
  readonly ca: KeyPair;
  readonly peerCa: KeyPair;
  readonly frontProxyCa: KeyPair;
  readonly masters: Readonly<Record<string, MasterCertificates>>;
  /** system:masters. */
  readonly admin: KeyPair;
  readonly controllerManager: KeyPair;
  readonly scheduler: KeyPair;
  /** The API server towards kubelets. */
  readonly kubeletClient: KeyPair;
  /** The API server towards aggregated servers. */
  readonly frontProxyClient: KeyPair;
  /** system:monitoring: may read metrics and health, nothing else. */
  readonly monitoring: KeyPair;
  readonly nodes: Readonly<Record<string, KeyPair>>;
  readonly serviceAccount: SigningKeys;
  readonly paths: PkiPaths;
}

export interface PkiPaths {
  readonly caCertificate: string;
  readonly adminCertificate: string;
  readonly adminKey: string;
  readonly monitoringCertificate: string;
  readonly monitoringKey: string;
}

const client = ['client'] as const;

function servingRequest(master: string, options: ClusterPkiOptions): CertificateRequest {
  const domain = options.clusterDomain ?? 'cluster.local';
  const hosts = options.hosts ?? [];
  const unique = (values: readonly string[]): string[] => [...new Set(values)];
  return {
    commonName: 'kube-apiserver',
    usages: ['server'],
    dnsNames: unique([
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${domain}`,
      master,
      ...options.masters,
      ...hosts.filter((host) => isIP(host) === 0),
    ]),
    ipAddresses: unique([
      '127.0.0.1',
      '::1',
      options.serviceAddress ?? '10.96.0.1',
      ...hosts.filter((host) => isIP(host) !== 0),
    ]),
  };
}

function peerRequest(master: string, options: ClusterPkiOptions): CertificateRequest {
  const hosts = options.hosts ?? [];
  return {
    commonName: master,
    organizations: ['trireme:peers'],
    usages: ['server', 'client'],
    dnsNames: [...new Set(['localhost', master, ...hosts.filter((host) => isIP(host) === 0)])],
    ipAddresses: [...new Set(['127.0.0.1', '::1', ...hosts.filter((host) => isIP(host) !== 0)])],
  };
}

/** Names end up in paths and in subjects: only what Kubernetes allows as an object's name passes. */
function checkName(what: string, name: string): void {
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) {
    throw new PkiError(
      'BadRequest',
      `"${name}" is not a valid ${what} name: lower case letters, digits, '-' and '.', at most 253`,
    );
  }
}

/** Files open at once; nodes may be thousands. */
const concurrency = 64;

/** Waits for all, even when one fails: nothing may still be writing when the lock is given back. */
async function together<T>(work: Readonly<Record<string, () => Promise<T>>>): Promise<Record<string, T>> {
  const entries = Object.entries(work);
  const done: [string, T][] = [];
  for (let start = 0; start < entries.length; start += concurrency) {
    const batch = entries.slice(start, start + concurrency);
    const settled = await Promise.allSettled(batch.map(([, run]) => run()));
    for (const [index, result] of settled.entries()) {
      if (result.status === 'rejected') throw result.reason;
      done.push([batch[index]![0], result.value]);
    }
  }
  return Object.fromEntries(done);
}

async function collect(store: PkiStore, options: ClusterPkiOptions): Promise<ClusterPki> {
  const authorities = await together({
    ca: () => store.authority('ca', 'kubernetes'),
    peerCa: () => store.authority('peer-ca', 'trireme-peers'),
    frontProxyCa: () => store.authority('front-proxy-ca', 'kubernetes-front-proxy'),
  });
  const { ca, peerCa, frontProxyCa } = authorities as Record<'ca' | 'peerCa' | 'frontProxyCa', KeyPair>;
  const component =
    (name: string, commonName: string, ...organizations: string[]) =>
    (): Promise<KeyPair> =>
      store.leaf(name, ca, { commonName, organizations, usages: client });
  const leaves: Record<string, () => Promise<KeyPair>> = {
    admin: component('admin', 'kubernetes-admin', 'system:masters'),
    controllerManager: component('controller-manager', 'system:kube-controller-manager'),
    scheduler: component('scheduler', 'system:kube-scheduler'),
    kubeletClient: component('apiserver-kubelet-client', 'kube-apiserver-kubelet-client'),
    monitoring: component('monitoring', 'prometheus', 'system:monitoring'),
    frontProxyClient: () =>
      store.leaf('front-proxy-client', frontProxyCa, { commonName: 'front-proxy-client', usages: client }),
  };
  for (const master of options.masters) {
    const under = `masters/${master}`;
    leaves[`${under}/serving`] = () => store.leaf(`${under}/apiserver`, ca, servingRequest(master, options));
    leaves[`${under}/peer`] = () => store.leaf(`${under}/peer`, peerCa, peerRequest(master, options));
  }
  const serviceAccount = await store.signingKeys('sa');
  const nodes = await collectNodes(store, ca, options.nodes ?? []);
  const pairs = await together(leaves);
  const masters = options.masters.map((master): [string, MasterCertificates] => [
    master,
    { serving: pairs[`masters/${master}/serving`]!, peer: pairs[`masters/${master}/peer`]! },
  ]);
  const path = (file: string): string => join(store.directory, file);
  return {
    directory: store.directory,
    ca,
    peerCa,
    frontProxyCa,
    masters: Object.fromEntries(masters),
    admin: pairs['admin']!,
    controllerManager: pairs['controllerManager']!,
    scheduler: pairs['scheduler']!,
    kubeletClient: pairs['kubeletClient']!,
    monitoring: pairs['monitoring']!,
    frontProxyClient: pairs['frontProxyClient']!,
    nodes,
    serviceAccount,
    paths: {
      caCertificate: path('ca.crt'),
      adminCertificate: path('admin.crt'),
      adminKey: path('admin.key'),
      monitoringCertificate: path('monitoring.crt'),
      monitoringKey: path('monitoring.key'),
    },
  };
}

function collectNodes(
  store: PkiStore,
  ca: KeyPair,
  names: readonly string[],
): Promise<Record<string, KeyPair>> {
  const request = (name: string): CertificateRequest => ({
    commonName: `system:node:${name}`,
    organizations: ['system:nodes'],
    usages: client,
  });
  return together(
    Object.fromEntries(names.map((name) => [name, () => store.leaf(`nodes/${name}`, ca, request(name))])),
  );
}

/**
 * First looks without writing: a start that finds all in order takes no lock and works on a read-only
 * directory. Otherwise does it under a lock, so that two starters do not make two authorities. Where nothing can be
 * written (a mounted Secret), certificates near their end serve until it: whoever made them renews them.
 */
export async function lookThenWrite<T>(
  directory: string,
  now: Date,
  work: (store: PkiStore) => Promise<T>,
): Promise<T> {
  try {
    return await work(new PkiStore(directory, now, false));
  } catch (error) {
    if (!(error instanceof NeedsWriting)) throw error;
  }
  try {
    await makeDirectory(directory);
    return await withFileLock(join(directory, 'pki'), () => work(new PkiStore(directory, now, true)), 30_000);
  } catch (error) {
    if (!(error instanceof PkiError) || error.code !== 'NotWritable') throw error;
    try {
      return await work(new PkiStore(directory, now, false, false));
    } catch (still) {
      throw still instanceof NeedsWriting ? error : still;
    }
  }
}

/**
 * The cluster's certificates and keys in `<dataDirectory>/pki`: what is there and serves is returned, the rest is
 * issued (missing, near its end, other names, another authority). Files are 0600 and replaced atomically.
 * First time for three masters about 250 ms, afterwards about 15 ms.
 *
 * Throws PkiError: NotWritable, Damaged, Missing (an authority without its key), Locked, BadRequest (names).
 */
export async function ensureClusterPki(
  dataDirectory: string,
  options: ClusterPkiOptions,
): Promise<ClusterPki> {
  for (const master of options.masters) checkName('master', master);
  for (const node of options.nodes ?? []) checkName('node', node);
  return lookThenWrite(join(dataDirectory, 'pki'), options.now ?? new Date(), (store) =>
    collect(store, options),
  );
}

/** Client certificates (system:node:<name>, group system:nodes) for more nodes; needs the authority's key on disk. */
export async function ensureNodeCertificates(
  dataDirectory: string,
  names: readonly string[],
  now = new Date(),
): Promise<Readonly<Record<string, KeyPair>>> {
  for (const name of names) checkName('node', name);
  return lookThenWrite(join(dataDirectory, 'pki'), now, async (store) =>
    collectNodes(store, await store.authority('ca', 'kubernetes'), names),
  );
}
