import { dirname } from 'node:path';
import { ensureEtcdPki } from '#libs/pki';
import { embedded, type Engine } from './consensus/engine.js';
import type { MasterConfig } from './config.js';

/** Starts the etcd service where the configuration asks for one. Resolves to what closes it. */
export async function startEtcdService(config: MasterConfig, engine: Engine): Promise<() => Promise<void>> {
  const replica = embedded(engine);
  // With an external etcd the configuration has been refused already.
  if (config.etcdApi === undefined || replica === undefined) return async () => undefined;
  const { host, port, clientUrls } = config.etcdApi;
  const pki = await ensureEtcdPki(dirname(config.pkiDir), {
    masters: config.members.map(({ name }) => name),
    hosts: [host],
  });
  const serving = pki.masters[config.name];
  if (serving === undefined) throw new Error(`no etcd certificate for ${config.name} in ${config.pkiDir}`);
  // Only here: a master without it need not load gRPC.
  const { startEtcdApi } = await import('#libs/etcd-api');
  try {
    const api = await startEtcdApi({
      backend: replica,
      listen: { host, port },
      tls: {
        ca: pki.ca.certificate,
        certificate: serving.certificate,
        privateKey: serving.privateKey,
      },
      clientUrls,
    });
    return () => api.close();
  } catch (error) {
    throw new Error(
      `cannot serve etcd's clients on ${host}:${port}: ${(error as Error).message}. Free the port, or choose another`,
      { cause: error },
    );
  }
}
