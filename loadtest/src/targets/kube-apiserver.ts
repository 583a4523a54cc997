import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureClusterPki, type ClusterPki } from '#libs/pki';
import { Http2Client } from '../http2/http2-client.js';
import { findProgram, freePorts, startProgram, stopProgram, waitFor } from '../processes.js';
import { EtcdMembers } from './etcd.js';
import type { Target } from './target.js';

/** Names of the programs that this peer needs and that are not on the PATH. */
export function missingForKubeApiserver(): string[] {
  return ['etcd', 'kube-apiserver'].filter((name) => findProgram(name) === undefined);
}

export interface KubeApiserverTarget extends Target {
  /** Who may be told apart by its API servers, e.g. to run another component of Kubernetes against them. */
  readonly identities: ClusterPki;
  readonly etcd: EtcdMembers;
}

/** Three kube-apiservers (TLS, RBAC, NodeRestriction) on three etcd members, on loopback, from the PATH. */
export async function startKubeApiserver(members = 3): Promise<KubeApiserverTarget> {
  const directory = mkdtempSync(join(tmpdir(), 'trireme-peer-'));
  const pki = await ensureClusterPki(directory, { masters: ['peer'] });
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const files = {
    ca: file('ca.pem', pki.ca.certificate),
    cert: file('server.pem', pki.masters['peer']?.serving.certificate ?? ''),
    key: file('server-key.pem', pki.masters['peer']?.serving.privateKey ?? ''),
    saKey: file('sa-key.pem', pki.serviceAccount.privateKey),
    saPub: file('sa-pub.pem', pki.serviceAccount.publicKey),
  };
  const ports = await freePorts(members);
  const index = Array.from({ length: members }, (_, i) => i);
  const etcd = await EtcdMembers.start({ directory, members });
  const endpoints = etcd.urls.join(',');
  const apiservers = index.map((i) =>
    startProgram(
      findProgram('kube-apiserver') ?? 'kube-apiserver',
      apiserverArgs(directory, i, ports[i] ?? 0, endpoints, files),
      join(directory, `apiserver${i}.log`),
    ),
  );
  const servers = index.map((i) => `https://127.0.0.1:${ports[i]}`);
  const tls = { ca: pki.ca.certificate, cert: pki.admin.certificate, key: pki.admin.privateKey };
  const stop = async (): Promise<void> => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
    await Promise.all(apiservers.map(stopProgram));
    await etcd.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  // Whoever interrupts a long run finds nothing left behind.
  const interrupted = (): void => void stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    await waitFor('readiness of the kube-apiservers', 90_000, async () =>
      (await Promise.all(servers.map(async (server) => isReady(server, tls)))).every(Boolean),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: 'kube-apiserver + etcd',
    servers,
    tls,
    identities: pki,
    etcd,
    pids: async () => [...apiservers.flatMap(({ pid }) => (pid === undefined ? [] : [pid])), ...etcd.pids],
    stop,
  };
}

async function isReady(server: string, tls: Target['tls']): Promise<boolean> {
  const client = new Http2Client(server, tls);
  try {
    return (await client.request('GET', '/readyz', undefined, { timeoutMs: 2_000 })).status === 200;
  } catch {
    // Not listening yet.
    return false;
  } finally {
    client.close();
  }
}

function apiserverArgs(
  directory: string,
  i: number,
  port: number,
  endpoints: string,
  files: {
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
    readonly saKey: string;
    readonly saPub: string;
  },
): string[] {
  return [
    `--etcd-servers=${endpoints}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--cert-dir=${join(directory, `certs${i}`)}`,
    `--tls-cert-file=${files.cert}`,
    `--tls-private-key-file=${files.key}`,
    `--client-ca-file=${files.ca}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.saPub}`,
    `--service-account-signing-key-file=${files.saKey}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--endpoint-reconciler-type=none',
  ];
}
