import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureClusterPki, ensureNodeCertificates, issueCertificate, PkiError } from './index.js';

const masters = ['m1', 'm2', 'm3'];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pki-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function listFiles(): Promise<string[]> {
  const entries = await readdir(join(directory, 'pki'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Runs with a directory that this process may read alone, as a mounted Secret is. */
async function withoutWriting(work: () => Promise<void>): Promise<void> {
  const folders = ['', 'pki', 'pki/masters', ...masters.map((master) => `pki/masters/${master}`)];
  for (const file of await listFiles()) await chmod(file, 0o444);
  for (const folder of folders) await chmod(join(directory, folder), 0o555);
  const isRoot = process.geteuid?.() === 0;
  // Permissions mean nothing to root.
  if (isRoot) process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    for (const folder of folders) await chmod(join(directory, folder), 0o755);
  }
}

describe('ensureClusterPki', () => {
  it('makes every file 0600 and leaves no temporary file or lock behind', async () => {
    await ensureClusterPki(directory, { masters });
    const files = await listFiles();
    expect(files.map((file) => file.slice(join(directory, 'pki').length + 1))).toEqual(
      expect.arrayContaining(['ca.crt', 'ca.key', 'admin.crt', 'sa.pub', 'masters/m1/peer.key']),
    );
    for (const file of files) {
      expect(file).toMatch(/\.(crt|key|pub)$/);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
  });

  it('returns the same certificates the next time and rewrites nothing', async () => {
    const first = await ensureClusterPki(directory, { masters, nodes: ['n1'] });
    const before = await Promise.all((await listFiles()).map(async (file) => (await stat(file)).mtimeMs));
    expect(await ensureClusterPki(directory, { masters, nodes: ['n1'] })).toEqual(first);
    const after = await Promise.all((await listFiles()).map(async (file) => (await stat(file)).mtimeMs));
    expect(after).toEqual(before);
  });

  it('gives one authority to two starters at once', async () => {
    const [one, two] = await Promise.all([
      ensureClusterPki(directory, { masters }),
      ensureClusterPki(directory, { masters }),
    ]);
    expect(one).toEqual(two);
  });

  it('names every way to reach a master', async () => {
    const pki = await ensureClusterPki(directory, { masters, hosts: ['api.example.org', '192.0.2.7'] });
    const certificate = new X509Certificate(pki.masters['m2']!.serving.certificate);
    for (const name of [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'm1',
      'm2',
      'm3',
      'api.example.org',
    ]) {
      expect(certificate.checkHost(name)).toBe(name);
    }
    for (const address of ['127.0.0.1', '10.96.0.1', '192.0.2.7', '::1']) {
      expect(certificate.checkIP(address)).toBe(address);
    }
  });

  it('puts the Kubernetes identities into subjects', async () => {
    const pki = await ensureClusterPki(directory, { masters, nodes: ['n1'] });
    const subject = (pem: string): string => new X509Certificate(pem).subject;
    expect(subject(pki.admin.certificate)).toBe('O=system:masters\nCN=kubernetes-admin');
    expect(subject(pki.scheduler.certificate)).toBe('CN=system:kube-scheduler');
    expect(subject(pki.nodes['n1']!.certificate)).toBe('O=system:nodes\nCN=system:node:n1');
  });

  it('issues anew when a host is added, and keeps the authority', async () => {
    const first = await ensureClusterPki(directory, { masters });
    const second = await ensureClusterPki(directory, { masters, hosts: ['lb.example.org'] });
    expect(second.ca).toEqual(first.ca);
    expect(second.admin).toEqual(first.admin);
    expect(second.masters['m1']!.serving).not.toEqual(first.masters['m1']!.serving);
  });

  it('renews leaves near their end, and the authority keeps its key when it is its turn', async () => {
    const first = await ensureClusterPki(directory, { masters });
    const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
    const kept = await ensureClusterPki(directory, { masters, now: inDays(300) });
    expect(kept.admin).toEqual(first.admin);
    const second = await ensureClusterPki(directory, { masters, now: inDays(340) });
    expect(second.admin).not.toEqual(first.admin);
    expect(second.ca).toEqual(first.ca);
    const third = await ensureClusterPki(directory, { masters, now: inDays(3640) });
    expect(third.ca.certificate).not.toBe(first.ca.certificate);
    expect(third.ca.privateKey).toBe(first.ca.privateKey);
    // Who still holds a certificate of before is trusted under the renewed authority.
    const old = new X509Certificate(second.admin.certificate);
    expect(old.checkIssued(new X509Certificate(third.ca.certificate))).toBe(true);
    expect(old.verify(new X509Certificate(third.ca.certificate).publicKey)).toBe(true);
  });

  it('issues a pair anew whose key and certificate do not belong together', async () => {
    const first = await ensureClusterPki(directory, { masters });
    await writeFile(join(directory, 'pki', 'admin.key'), first.scheduler.privateKey);
    const second = await ensureClusterPki(directory, { masters });
    expect(new X509Certificate(second.admin.certificate).subject).toContain('kubernetes-admin');
    expect(second.admin).not.toEqual(first.admin);
  });

  it('refuses to replace an authority: a missing key or a damaged certificate is an error that names the file', async () => {
    await ensureClusterPki(directory, { masters });
    const key = await readFile(join(directory, 'pki', 'ca.key'));
    await rm(join(directory, 'pki', 'ca.key'));
    await expect(ensureClusterPki(directory, { masters })).rejects.toThrow(/pki\/ca\.key is missing/);
    await writeFile(join(directory, 'pki', 'ca.key'), key);
    await writeFile(join(directory, 'pki', 'ca.crt'), 'garbage');
    await expect(ensureClusterPki(directory, { masters })).rejects.toThrow(
      /pki\/ca\.crt is not a PEM certificate/,
    );
  });

  it('takes what is near its end where nothing can be written, and refuses it once it has ended', async () => {
    const first = await ensureClusterPki(directory, { masters });
    const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
    await withoutWriting(async () => {
      expect(await ensureClusterPki(directory, { masters, now: inDays(360) })).toEqual(first);
      const ended = ensureClusterPki(directory, { masters, now: inDays(366) });
      await expect(ended).rejects.toThrow(/cannot write .*pki/);
      await expect(ensureClusterPki(directory, { masters: ['m4'] })).rejects.toThrow(/cannot write/);
    });
  });

  it('says what to do when the directory cannot be written', async () => {
    const file = join(directory, 'a-file');
    await writeFile(file, '');
    const failed = ensureClusterPki(join(file, 'data'), { masters });
    await expect(failed).rejects.toThrow(PkiError);
    await expect(failed).rejects.toThrow(/a-file\/data\/pki.*(Choose another directory|Check its type)/);
  });

  it('refuses names that would leave the directory', async () => {
    await expect(ensureClusterPki(directory, { masters: ['../../etc'] })).rejects.toThrow(
      /not a valid master name/,
    );
    await expect(ensureNodeCertificates(directory, ['a/b'])).rejects.toThrow(/not a valid node name/);
  });
});

/** What the server makes of a client with these credentials: its common name, or the refusal. */
async function handshake(
  server: { key: string; cert: string; ca: string },
  client: { key: string; cert: string; ca: string },
): Promise<string> {
  const listener = createServer({
    ...server,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({ ...client, port: address.port, host: '127.0.0.1', servername: 'localhost' });
  try {
    await once(socket, 'secureConnect');
    const [peer] = await accepted;
    peer.on('error', () => undefined);
    return peer.authorized ? String(peer.getPeerCertificate().subject.CN) : String(peer.authorizationError);
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe('trust over TLS', () => {
  it('lets a client of the cluster in and keeps a foreign or a self-made one out', async () => {
    const ours = await ensureClusterPki(join(directory, 'a'), { masters });
    const theirs = await ensureClusterPki(join(directory, 'b'), { masters });
    const serving = ours.masters['m1']!.serving;
    const server = { key: serving.privateKey, cert: serving.certificate, ca: ours.ca.certificate };
    const ca = ours.ca.certificate;
    const as = (pair: {
      privateKey: string;
      certificate: string;
    }): { key: string; cert: string; ca: string } => ({
      key: pair.privateKey,
      cert: pair.certificate,
      ca,
    });
    expect(await handshake(server, as(ours.admin))).toBe('kubernetes-admin');
    expect(await handshake(server, as(theirs.admin))).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED|SIGNATURE/);
    // Who may speak for users towards aggregated servers, or is a peer, is not thereby an API client.
    expect(await handshake(server, as(ours.frontProxyClient))).toMatch(/UNABLE_TO|SELF_SIGNED|SIGNATURE/);
    expect(await handshake(server, as(ours.masters['m1']!.peer))).toMatch(/UNABLE_TO|SELF_SIGNED|SIGNATURE/);
    // A server certificate is no client certificate.
    expect(await handshake(server, as(serving))).toMatch(/INVALID_PURPOSE|UNSUPPORTED/i);
  });

  it('keeps API clients out of the peers', async () => {
    const pki = await ensureClusterPki(directory, { masters });
    const peer = pki.masters['m1']!.peer;
    const server = { key: peer.privateKey, cert: peer.certificate, ca: pki.peerCa.certificate };
    const ca = pki.peerCa.certificate;
    const other = pki.masters['m2']!.peer;
    expect(await handshake(server, { key: other.privateKey, cert: other.certificate, ca })).toBe('m2');
    const { admin } = pki;
    expect(await handshake(server, { key: admin.privateKey, cert: admin.certificate, ca })).toMatch(
      /UNABLE_TO|SELF_SIGNED|SIGNATURE/,
    );
  });

  it('never issues beyond the authority', async () => {
    const pki = await ensureClusterPki(directory, { masters });
    const long = await issueCertificate(pki.ca, { commonName: 'x', usages: ['client'], days: 100_000 });
    expect(Date.parse(new X509Certificate(long.certificate).validTo)).toBeLessThanOrEqual(
      Date.parse(new X509Certificate(pki.ca.certificate).validTo),
    );
    await expect(
      issueCertificate(pki.ca, { commonName: 'x', usages: ['server'], ipAddresses: ['300.1.1.1'] }),
    ).rejects.toThrow(/"300\.1\.1\.1" is not an IP address/);
  });
});
