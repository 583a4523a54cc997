import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { createCertificateAuthority, type KeyPair } from '#libs/pki';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type ApiObject, type Identity } from './support/api.js';
import { eventually, TestCluster } from './support/cluster.js';

/** Certificates are files: whoever changes them changes what the masters show and trust, without a restart. */

let cluster: TestCluster;
let pids: readonly number[];

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 0 });
  pids = await processes();
});

afterAll(async () => {
  await cluster.dispose();
});

const path = (file: string): string => join(cluster.dataDir, 'pki', file);
const read = (file: string): string => readFileSync(path(file), 'utf8');
const names = (): string[] => cluster.file().masters.map(({ name }) => name);

async function processes(): Promise<number[]> {
  return (await cluster.status()).members.map(({ pid }) => pid ?? 0);
}

/** What a master shows to those who connect now. */
function shownBy(master: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(cluster.server(master));
    const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error('nothing was shown'));
      else resolve(certificate);
    });
    socket.on('error', reject);
  });
}

async function allShow(authority: KeyPair): Promise<void> {
  const { publicKey } = new X509Certificate(authority.certificate);
  for (const name of names()) {
    await eventually(`${name} shows a certificate of the new authority`, async () =>
      (await shownBy(name)).verify(publicKey),
    );
  }
}

const admin = (): Identity => ({ cert: read('admin.crt'), key: read('admin.key') });

async function statusAs(identity: Identity, ca: string): Promise<number> {
  const api = new Api(cluster.server(), ca, identity);
  try {
    return (await api.call('GET', '/api/v1/namespaces')).status;
  } finally {
    api.close();
  }
}

/** A watch that is open; resolves when the server has ended it. */
function watch(
  identity: Identity,
  ca: string,
): { readonly opened: Promise<void>; readonly ended: Promise<void> } {
  const { hostname: host, port } = new URL(cluster.server());
  let opened = (): void => undefined;
  const begun = new Promise<void>((resolve) => (opened = resolve));
  const ended = new Promise<void>((resolve) => {
    const call = request(
      { host, port, ca, ...identity, path: '/api/v1/namespaces?watch=true', agent: false },
      (response) => {
        opened();
        response.resume();
        response.on('close', () => resolve());
      },
    );
    call.on('error', () => resolve());
    call.end();
  });
  return { opened: begun, ended };
}

describe('certificates on disk', () => {
  it('of one master that are removed are issued anew, and shown without a restart', async () => {
    const [first = ''] = names();
    const before = await shownBy(first);
    for (const file of ['apiserver.crt', 'apiserver.key']) rmSync(path(`masters/${first}/${file}`));
    await eventually(
      'another is shown',
      async () => (await shownBy(first)).fingerprint256 !== before.fingerprint256,
    );
    expect(await statusAs(admin(), read('ca.crt'))).toBe(200);
    expect(await processes()).toEqual(pids);
  });

  it('that do not hold change nothing', async () => {
    const [, second = ''] = names();
    const file = path(`masters/${second}/peer.crt`);
    const whole = readFileSync(file);
    writeFileSync(file, 'not a certificate');
    const log = join(cluster.dataDir, 'logs', `${second}.log`);
    await eventually('it is said', async () => readFileSync(log, 'utf8').includes('those of before go on'));
    writeFileSync(file, whole);
    expect((await cluster.status()).members.every(({ healthy }) => healthy)).toBe(true);
  });

  it('of peers follow another authority while the cluster serves', async () => {
    const old = read('peer-ca.crt');
    const { term } = await cluster.status();
    const authority = await createCertificateAuthority('trireme-peers');
    const reloads = (): number[] =>
      names().map((name) => {
        const log = readFileSync(join(cluster.dataDir, 'logs', `${name}.log`), 'utf8');
        return log.split('certificates for peers were reloaded').length;
      });
    const steps: readonly [string, () => void][] = [
      ['both-are-trusted', () => writeFileSync(path('peer-ca.crt'), `${old}${authority.certificate}`)],
      [
        'the-new-one-is-shown',
        () => {
          writeFileSync(path('peer-ca.key'), authority.privateKey);
          writeFileSync(path('peer-ca.crt'), `${authority.certificate}${old}`);
        },
      ],
      ['the-old-one-is-gone', () => writeFileSync(path('peer-ca.crt'), authority.certificate)],
    ];
    for (const [what, change] of steps) {
      const before = reloads();
      change();
      await eventually(`${what}: all masters have it`, async () =>
        reloads().every((count, i) => count > (before[i] ?? 0)),
      );
      await cluster.kubectl(['create', 'configmap', what]);
    }
    const status = await eventually('all have applied the same', async () => {
      const now = await cluster.status();
      const applied = now.members.map(({ appliedIndex }) => appliedIndex);
      return new Set(applied).size === 1 && now;
    });
    // Those who had connected before the new certificates were there are cut with the old authority: another may lead then.
    expect([status.quorum, status.term - term <= 2]).toEqual([true, true]);
    expect(await processes()).toEqual(pids);
  });

  it('follow another authority, step by step; what the old one has signed is shut out at the end', async () => {
    const old = { certificate: read('ca.crt'), identity: admin() };
    const authority = await createCertificateAuthority('kubernetes');
    const bundle = `${authority.certificate}${old.certificate}`;

    writeFileSync(path('ca.crt'), `${old.certificate}${authority.certificate}`);
    expect(await statusAs(old.identity, old.certificate)).toBe(200);
    writeFileSync(path('ca.key'), authority.privateKey);
    writeFileSync(path('ca.crt'), bundle);
    await allShow(authority);
    expect(await statusAs(old.identity, bundle), 'clients of the old authority').toBe(200);
    await eventually('clients have new ones', async () => admin().cert !== old.identity.cert);
    expect(await statusAs(admin(), bundle)).toBe(200);

    const open = watch(old.identity, bundle);
    await open.opened;
    writeFileSync(path('ca.crt'), authority.certificate);
    await open.ended;
    await eventually('the old one is nobody', async () => (await statusAs(old.identity, bundle)) === 401);
    expect(await statusAs(admin(), authority.certificate)).toBe(200);

    const api = Api.of(cluster);
    await eventually('pods are told of the new authority', async () => {
      const map = await api.call<ApiObject>('GET', '/api/v1/namespaces/default/configmaps/kube-root-ca.crt');
      return map.body.data?.['ca.crt'] === authority.certificate;
    });
    api.close();
    expect(await processes(), 'nobody was started again').toEqual(pids);
    expect((await cluster.status()).quorum).toBe(true);
  });
});
