import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateAuthority, issueCertificate, kubeconfig } from '#libs/pki';
import { freePort } from './support/free-port.js';
import { TestCluster, eventually, run } from './support/cluster.js';
import type { CommandResult } from './support/cluster.js';
import { Etcdctl } from './support/etcdctl.js';
import { Program } from './support/program.js';

let cluster: TestCluster;
let server: Program;
let config: string;

/** Starts the real kube-apiserver with three masters of ours as its etcd, and writes an administrator's kubeconfig. */
async function startKubeApiserver(): Promise<Program> {
  const etcd = await Etcdctl.of(cluster);
  const path = (file: string): string => join(cluster.directory, file);
  const write = (file: string, content: string): string => {
    writeFileSync(path(file), content, { mode: 0o600 });
    return path(file);
  };
  const port = await freePort();
  const ca = await createCertificateAuthority('kubernetes');
  const serving = await issueCertificate(ca, {
    commonName: 'kube-apiserver',
    usages: ['server'],
    ipAddresses: ['127.0.0.1', '10.96.0.1'],
  });
  const admin = await issueCertificate(ca, {
    commonName: 'admin',
    organizations: ['system:masters'],
    usages: ['client'],
  });
  config = write(
    'kas.kubeconfig',
    kubeconfig({
      name: 'kas',
      server: `https://127.0.0.1:${port}`,
      caPem: ca.certificate,
      certPem: admin.certificate,
      keyPem: admin.privateKey,
    }),
  );
  const accounts = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  const flags = {
    'etcd-servers': etcd.urls,
    'etcd-cafile': etcd.certificates.ca,
    'etcd-certfile': etcd.certificates.certificate,
    'etcd-keyfile': etcd.certificates.key,
    'secure-port': String(port),
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    'cert-dir': path('kas'),
    'tls-cert-file': write('kas.crt', serving.certificate),
    'tls-private-key-file': write('kas.key', serving.privateKey),
    'client-ca-file': write('kas-ca.crt', ca.certificate),
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': write('accounts.pub', accounts.publicKey),
    'service-account-signing-key-file': write('accounts.key', accounts.privateKey),
    'authorization-mode': 'Node,RBAC',
    'service-cluster-ip-range': '10.96.0.0/16',
    'endpoint-reconciler-type': 'none',
  };
  return new Program(
    'kube-apiserver',
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
  );
}

const tryKubectl = (args: readonly string[], input?: string): Promise<CommandResult> =>
  run('.tools/bin/kubectl', args, {
    env: { KUBECONFIG: config, HOME: cluster.directory },
    ...(input === undefined ? {} : { input }),
  });
const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
  const result = await tryKubectl(args, input);
  if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr || result.stdout}`);
  return result.stdout;
};

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'etcd-kas', nodes: 0, args: ['--etcd-listen', '127.0.0.1:0'] });
  server = await startKubeApiserver();
  await eventually(
    'kube-apiserver is ready',
    async () => (await tryKubectl(['get', '--raw', '/readyz'])).code === 0,
  );
});
afterAll(async () => {
  await server?.kill();
  await cluster?.dispose();
});

describe('a real kube-apiserver on three masters as its etcd', () => {
  it('creates, lists, patches, watches and deletes', async () => {
    await kubectl(['create', 'namespace', 'shop']);
    await kubectl(['create', 'configmap', 'one', '-n', 'shop', '--from-literal=a=1']);
    await kubectl(['patch', 'configmap', 'one', '-n', 'shop', '-p', '{"data":{"a":"2"}}']);
    const watch = new Program(
      '.tools/bin/kubectl',
      ['get', 'configmap', '-n', 'shop', '-w', '--output-watch-events'],
      { KUBECONFIG: config },
    );
    await watch.prints(/ADDED\s+one/);
    await kubectl(['create', 'configmap', 'two', '-n', 'shop']);
    await kubectl(['delete', 'configmap', 'one', '-n', 'shop']);
    await watch.prints(/ADDED\s+two[^]*DELETED\s+one/);
    await watch.kill();
    const names = await kubectl(['get', 'configmap', '-n', 'shop', '-o', 'name']);
    expect(names).toMatch(/configmap\/two/);
    expect(names).not.toMatch(/configmap\/one\n/);
    expect(await kubectl(['get', 'configmap', 'two', '-n', 'shop', '--chunk-size=1'])).toContain('two');
  });

  it('loses nothing when the leader is killed in between', async () => {
    const leader = await cluster.leader();
    const acknowledged: string[] = [];
    for (let i = 0; i < 20; i++) {
      if (i === 8) process.kill(leader.pid!, 'SIGKILL');
      const name = `kept-${i}`;
      // A failure says that it may have taken effect: only what was acknowledged is claimed.
      if ((await tryKubectl(['create', 'configmap', name])).code === 0)
        acknowledged.push(`configmap/${name}`);
    }
    expect(acknowledged.length).toBeGreaterThan(10);
    const listed = (await kubectl(['get', 'configmap', '-o', 'name'])).split('\n');
    expect(acknowledged.filter((name) => !listed.includes(name))).toEqual([]);
    await kubectl(['create', 'configmap', 'afterwards']);
  });

  it('is not seen by our own API server, nor sees it', async () => {
    expect((await cluster.tryKubectl(['get', 'namespace', 'shop'])).code).not.toBe(0);
    await cluster.kubectl(['create', 'configmap', 'ours']);
    expect((await tryKubectl(['get', 'configmap', 'ours'])).code).not.toBe(0);
  });
});
