import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { ChannelCredentials, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { etcdPackageDefinition, openReplica } from '#libs/consensus';
import type { Replica } from '#libs/consensus';
import { createCertificateAuthority, ensureClusterPki } from '#libs/pki';
import type { KeyPair } from '#libs/pki';
import { startEtcdService } from './etcd-service.js';
import type { EtcdService } from './etcd-service.js';

/** The service for etcd's clients over its certificates on disk, which change while it runs. */

interface Client {
  Status(request: object, options: object, done: (error: ServiceError | null) => void): void;
  Watch(): ClientDuplexStream<object, object>;
  close(): void;
}
type Service = new (address: string, how: ChannelCredentials, options: object) => Client;

const directory = mkdtempSync(join(tmpdir(), 'trireme-etcd-service-'));
const members = [{ id: 1, name: 'm1', host: '127.0.0.1', port: 0 }];
let clients: Client[] = [];
let replica: Replica;
let service: EtcdService;
let port: number;

const path = (file: string): string => join(directory, 'pki', file);
const read = (file: string): string => readFileSync(path(file), 'utf8');
const own = (): KeyPair => ({ certificate: read('etcd-client.crt'), privateKey: read('etcd-client.key') });

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return free;
}

async function client(which: 'Maintenance' | 'Watch', { certificate, privateKey }: KeyPair, ca: string) {
  const root = loadPackageDefinition(await etcdPackageDefinition({ longs: Number }));
  const { etcdserverpb } = root as unknown as { etcdserverpb: Record<string, Service> };
  const how = credentials.createSsl(Buffer.from(ca), Buffer.from(privateKey), Buffer.from(certificate));
  const made = new etcdserverpb[which]!(`127.0.0.1:${port}`, how, {
    // A channel of its own: a connection that is there already would say nothing of certificates.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.ssl_target_name_override': 'localhost',
  });
  clients.push(made);
  return made;
}

/** What a new connection with this certificate comes to. */
async function asks(identity: KeyPair, ca: string): Promise<'answered' | 'shut out'> {
  const made = await client('Maintenance', identity, ca);
  return new Promise((resolve, reject) =>
    made.Status({}, { deadline: Date.now() + 10_000 }, (error) => {
      if (error === null) resolve('answered');
      else if (error.code === 14) resolve('shut out');
      else reject(error);
    }),
  );
}

/** A watch that has been created; resolves when the server has ended it. */
async function watch(identity: KeyPair, ca: string): Promise<{ readonly ended: Promise<void> }> {
  const stream = (await client('Watch', identity, ca)).Watch();
  const ended = new Promise<void>((resolve) =>
    stream.on('error', () => resolve()).on('end', () => resolve()),
  );
  const created = new Promise((resolve) => stream.once('data', resolve));
  stream.write({ create_request: { key: Buffer.from('a') } });
  await created;
  return { ended };
}

function begin(): Promise<EtcdService> {
  const etcdApi = { host: '127.0.0.1', port, clientUrls: {} };
  return startEtcdService({ etcdApi, name: 'm1', members, pkiDir: path('') }, replica);
}

beforeAll(async () => {
  const { peerCa, masters } = await ensureClusterPki(directory, { masters: ['m1'] });
  const peerPort = await freePort();
  replica = await openReplica({
    name: 'm1',
    memberId: 1,
    clusterId: 'spec',
    members: [{ ...members[0]!, port: peerPort }],
    dataDir: join(directory, 'm1'),
    listen: { host: '127.0.0.1', port: peerPort },
    tls: { ca: peerCa.certificate, ...masters['m1']!.peer },
    onFatal: (error) => {
      throw error;
    },
  });
  await replica.barrier();
});
beforeEach(async () => {
  port = await freePort();
  service = await begin();
});
afterEach(async () => {
  for (const one of clients) one.close();
  clients = [];
  await service.close();
});
afterAll(async () => {
  await replica.close();
  rmSync(directory, { recursive: true });
});

describe('certificates of the etcd service', () => {
  it('follow another authority step by step; what the old one has signed is shut out at the end, open streams with it', async () => {
    const old = { ca: read('etcd-ca.crt'), client: own() };
    const next = await createCertificateAuthority('trireme-etcd');
    const both = `${next.certificate}${old.ca}`;

    writeFileSync(path('etcd-ca.crt'), `${old.ca}${next.certificate}`);
    await service.reload();
    expect(await asks(old.client, old.ca)).toBe('answered');
    writeFileSync(path('etcd-ca.key'), next.privateKey);
    writeFileSync(path('etcd-ca.crt'), both);
    await service.reload();
    expect(own().certificate, 'clients have new ones').not.toBe(old.client.certificate);
    expect(await asks(own(), next.certificate), 'the new one is shown').toBe('answered');
    expect(await asks(old.client, both), 'the old one is still trusted').toBe('answered');

    const open = await watch(old.client, both);
    writeFileSync(path('etcd-ca.crt'), next.certificate);
    await service.reload();
    await open.ended;
    expect(await asks(old.client, both)).toBe('shut out');
    expect(await asks(own(), next.certificate)).toBe('answered');
  });

  it('that have not changed disturb nobody', async () => {
    const { ended } = await watch(own(), read('etcd-ca.crt'));
    await Promise.all([service.reload(), service.reload()]);
    const first = await Promise.race([ended.then(() => 'ended'), asks(own(), read('etcd-ca.crt'))]);
    expect(first).toBe('answered');
  });

  it('that do not hold are refused, and those of before go on', async () => {
    const whole = read('etcd-ca.crt');
    writeFileSync(path('etcd-ca.crt'), 'not a certificate');
    await expect(service.reload()).rejects.toThrow('is not a PEM certificate');
    expect(await asks(own(), whole)).toBe('answered');
    writeFileSync(path('etcd-ca.crt'), whole);
  });

  it('may change twice at once: the last ones are in force', async () => {
    for (let i = 0; i < 2; i++) {
      for (const end of ['crt', 'key']) rmSync(path(`masters/m1/etcd.${end}`));
      await Promise.all([service.reload(), service.reload()]);
    }
    expect(await asks(own(), read('etcd-ca.crt'))).toBe('answered');
  });

  it('that change while the service ends do not bring it back', async () => {
    for (const end of ['crt', 'key']) rmSync(path(`masters/m1/etcd.${end}`));
    await Promise.all([service.reload(), service.close()]);
    await service.reload();
    expect(await asks(own(), read('etcd-ca.crt'))).toBe('shut out');
  });
});
