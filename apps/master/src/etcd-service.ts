import { dirname } from 'node:path';
import type { Replica } from '#libs/consensus';
import { ensureEtcdPki, type EtcdPki } from '#libs/pki';
import type { MasterConfig } from './config.js';
import { embedded, type Engine } from './consensus/engine.js';

/** The service for etcd's own clients, or nothing where the configuration does not ask for it. */
export interface EtcdService {
  /**
   * Looks at its certificates; where they have changed the service begins anew with them, so that no client stays whose
   * authority is gone. Its clients go on elsewhere meanwhile.
   */
  reload(): Promise<void>;
  close(): Promise<void>;
}

const off: EtcdService = { reload: () => Promise.resolve(), close: () => Promise.resolve() };

/** Starts the etcd service where the configuration asks for one. */
export async function startEtcdService(config: MasterConfig, engine: Engine): Promise<EtcdService> {
  const replica = embedded(engine);
  // With an external etcd the configuration has been refused already.
  if (config.etcdApi === undefined || replica === undefined) return off;
  let pki = await certificatesOf(config, config.etcdApi.host);
  let api = await start(config.etcdApi, config.name, pki, replica);
  const { etcdApi } = config;
  return {
    async reload() {
      const now = await certificatesOf(config, etcdApi.host);
      const own = (of: EtcdPki): string => of.ca.certificate + (of.masters[config.name]?.certificate ?? '');
      if (own(now) === own(pki)) return;
      pki = now;
      await api.close();
      api = await start(etcdApi, config.name, pki, replica);
    },
    close: () => api.close(),
  };
}

function certificatesOf(config: MasterConfig, host: string): Promise<EtcdPki> {
  const masters = config.members.map(({ name }) => name);
  return ensureEtcdPki(dirname(config.pkiDir), { masters, hosts: [host] });
}

async function start(
  { host, port, clientUrls }: NonNullable<MasterConfig['etcdApi']>,
  name: string,
  pki: EtcdPki,
  backend: Replica,
): Promise<{ close(): Promise<void> }> {
  const serving = pki.masters[name];
  if (serving === undefined) throw new Error(`there is no etcd certificate for ${name}`);
  // Only here: a master without it need not load gRPC.
  const { startEtcdApi } = await import('#libs/etcd-api');
  try {
    return await startEtcdApi({
      backend,
      listen: { host, port },
      tls: {
        ca: pki.ca.certificate,
        certificate: serving.certificate,
        privateKey: serving.privateKey,
      },
      clientUrls,
    });
  } catch (error) {
    throw new Error(
      `cannot serve etcd's clients on ${host}:${port}: ${(error as Error).message}. Free the port, or choose another`,
      { cause: error },
    );
  }
}
