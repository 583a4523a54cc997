import { isIP } from 'node:net';
import { join } from 'node:path';
import { lookThenWrite } from './cluster-pki.js';
import type { PkiStore } from './store.js';
import type { KeyPair } from './types.js';

export interface EtcdPkiOptions {
  /** Names of the masters; each gets a serving certificate. */
  readonly masters: readonly string[];
  /** Host names and IP addresses beside loopback under which the service is reached. */
  readonly hosts?: readonly string[];
  readonly now?: Date;
}

/** What the etcd service and its clients need, PEM. */
export interface EtcdPki {
  /** An authority of its own: no client of the API passes for one of etcd's, nor the other way round. */
  readonly ca: KeyPair;
  readonly client: KeyPair;
  readonly masters: Readonly<Record<string, KeyPair>>;
}

async function collect(store: PkiStore, { masters, hosts = [] }: EtcdPkiOptions): Promise<EtcdPki> {
  const ca = await store.authority('etcd-ca', 'trireme-etcd');
  const client = await store.leaf('etcd-client', ca, { commonName: 'etcd-client', usages: ['client'] });
  const serving = await Promise.all(
    masters.map(async (master): Promise<[string, KeyPair]> => {
      const pair = await store.leaf(`masters/${master}/etcd`, ca, {
        commonName: master,
        usages: ['server'],
        dnsNames: [...new Set(['localhost', master, ...hosts.filter((host) => isIP(host) === 0)])],
        ipAddresses: [...new Set(['127.0.0.1', '::1', ...hosts.filter((host) => isIP(host) !== 0)])],
      });
      return [master, pair];
    }),
  );
  return { ca, client, masters: Object.fromEntries(serving) };
}

/**
 * The etcd service's certificates in `<dataDirectory>/pki`: `etcd-ca.crt`, `etcd-client.crt` and `.key` for clients, and
 * one certificate a master. What is there and serves is returned, the rest is issued. Throws PkiError as ensureClusterPki.
 */
export function ensureEtcdPki(dataDirectory: string, options: EtcdPkiOptions): Promise<EtcdPki> {
  return lookThenWrite(join(dataDirectory, 'pki'), options.now ?? new Date(), (store) =>
    collect(store, options),
  );
}
