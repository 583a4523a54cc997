import { dirname } from 'node:path';
import type { Replica } from '#libs/consensus';
import { ensureEtcdPki, type EtcdPki } from '#libs/pki';
import type { MasterConfig } from './config.js';
import { embedded, type Engine } from './consensus/engine.js';

/** The service for etcd's own clients, or nothing where the configuration does not ask for it. */
export interface EtcdService {
  /**
   * Looks at its certificates; where they have changed the service begins anew with them, so that no client stays whose
   * authority is gone. Its clients go on elsewhere meanwhile. Rejects when it cannot: certificates that do not hold leave
   * it as it was; where the port was lost meanwhile the next call tries again.
   */
  reload(): Promise<void>;
  /** Ends it, and with it a reload that is under way. */
  close(): Promise<void>;
}

interface Running {
  readonly pki: EtcdPki;
  close(): Promise<void>;
}

const off: EtcdService = { reload: () => Promise.resolve(), close: () => Promise.resolve() };

/** Starts the etcd service where the configuration asks for one. */
export async function startEtcdService(
  config: Pick<MasterConfig, 'etcdApi' | 'name' | 'members' | 'pkiDir'>,
  engine: Engine,
): Promise<EtcdService> {
  const replica = embedded(engine);
  const { etcdApi, name, members, pkiDir } = config;
  // With an external etcd the configuration has been refused already.
  if (etcdApi === undefined || replica === undefined) return off;
  const masters = members.map((member) => member.name);
  const certificates = (): Promise<EtcdPki> =>
    ensureEtcdPki(dirname(pkiDir), { masters, hosts: [etcdApi.host] });
  const shown = ({ ca, masters: of }: EtcdPki): string => ca.certificate + (of[name]?.certificate ?? '');

  let running: Running | undefined = await start(etcdApi, name, await certificates(), replica);
  let closed = false;
  let last = Promise.resolve();
  /** One at a time: two that overlap would want the port at once. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  return {
    reload: () =>
      inTurn(async () => {
        if (closed) return;
        const now = await certificates();
        if (running !== undefined && shown(running.pki) === shown(now)) return;
        await running?.close();
        running = undefined;
        running = await start(etcdApi, name, now, replica);
      }),
    close() {
      closed = true;
      return inTurn(async () => {
        await running?.close();
        running = undefined;
      });
    },
  };
}

async function start(
  { host, port, clientUrls }: NonNullable<MasterConfig['etcdApi']>,
  name: string,
  pki: EtcdPki,
  backend: Replica,
): Promise<Running> {
  const serving = pki.masters[name];
  if (serving === undefined) throw new Error(`there is no etcd certificate for ${name}`);
  // Only here: a master without it need not load gRPC.
  const { startEtcdApi } = await import('#libs/etcd-api');
  try {
    const api = await startEtcdApi({
      backend,
      listen: { host, port },
      tls: {
        ca: pki.ca.certificate,
        certificate: serving.certificate,
        privateKey: serving.privateKey,
      },
      clientUrls,
    });
    return { pki, close: () => api.close() };
  } catch (error) {
    throw new Error(
      `cannot serve etcd's clients on ${host}:${port}: ${(error as Error).message}. Free the port, or choose another`,
      { cause: error },
    );
  }
}
