import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import type { ChannelCredentials, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etcdPackageDefinition, openReplica } from '#libs/consensus';
import type { Replica } from '#libs/consensus';
import { ensureClusterPki, ensureEtcdPki } from '#libs/pki';
import type { EtcdPki } from '#libs/pki';
import type { EventMessage, WatchResponse } from './messages.js';
import { startEtcdApi } from './server.js';
import type { EtcdApi } from './server.js';

type Call = (request: object, done: (error: ServiceError | null, response: never) => void) => void;
type Client = Record<string, Call> & { Watch(): ClientDuplexStream<object, WatchResponse>; close(): void };
type Service = new (address: string, how: ChannelCredentials, options: object) => Client;

const directory = mkdtempSync(join(tmpdir(), 'trireme-etcd-api-'));
const clients: Client[] = [];
let pki: EtcdPki;
let replica: Replica;
let api: EtcdApi;
let address: string;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function open(service: string, how?: ChannelCredentials): Promise<Client> {
  const root = loadPackageDefinition(await etcdPackageDefinition({ longs: Number }));
  const { etcdserverpb } = root as unknown as { etcdserverpb: Record<string, Service> };
  const { ca, client } = pki;
  const mutual = credentials.createSsl(
    Buffer.from(ca.certificate),
    Buffer.from(client.privateKey),
    Buffer.from(client.certificate),
  );
  const made = new etcdserverpb[service]!(address, how ?? mutual, {
    'grpc.max_receive_message_length': -1,
    'grpc.ssl_target_name_override': 'localhost',
  });
  clients.push(made);
  return made;
}

const call = <T>(client: Client, method: string, request: object): Promise<T> =>
  new Promise((resolve, reject) =>
    client[method]!(request, (error, response) => (error === null ? resolve(response) : reject(error))),
  );
const put = (key: string | Buffer, value: string | Buffer): object => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
});

beforeAll(async () => {
  const cluster = await ensureClusterPki(directory, { masters: ['m1'] });
  pki = await ensureEtcdPki(directory, { masters: ['m1'] });
  const peerPort = await freePort();
  const { peer } = cluster.masters['m1']!;
  replica = await openReplica({
    name: 'm1',
    memberId: 1,
    clusterId: 'spec',
    members: [{ id: 1, name: 'm1', host: '127.0.0.1', port: peerPort }],
    dataDir: join(directory, 'm1'),
    listen: { host: '127.0.0.1', port: peerPort },
    tls: { ca: cluster.peerCa.certificate, ...peer },
    onFatal: (error) => {
      throw error;
    },
  });
  const port = await freePort();
  address = `127.0.0.1:${port}`;
  api = await startEtcdApi({
    backend: replica,
    listen: { host: '127.0.0.1', port },
    tls: { ca: pki.ca.certificate, ...pki.masters['m1']! },
  });
  await replica.barrier();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await api.close();
  await replica.close();
  rmSync(directory, { recursive: true });
});

/** What a watch of `key` to `end` is given, as it comes. */
async function watch(
  key: string,
  end: string,
  more: object,
): Promise<{ call: ClientDuplexStream<object, WatchResponse>; responses: WatchResponse[] }> {
  const stream = (await open('Watch')).Watch();
  const responses: WatchResponse[] = [];
  stream.on('data', (response: WatchResponse) => responses.push(response));
  // Closing the client ends what is left open.
  stream.on('error', () => undefined);
  stream.write({ create_request: { key: Buffer.from(key), range_end: Buffer.from(end), ...more } });
  return { call: stream, responses };
}
const eventsOf = (responses: readonly WatchResponse[]): EventMessage[] =>
  responses.flatMap(({ events = [] }) => [...events]);
async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('the service over gRPC', () => {
  it('keeps every byte of keys and values, and orders keys by theirs', async () => {
    const kv = await open('KV');
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    for (const first of [0xff, 0x00, 0x80]) await call(kv, 'Put', put(Buffer.from([0x42, first]), all));
    const request = { key: Buffer.from([0x42]), range_end: Buffer.from([0x43]) };
    const { kvs } = await call<{ kvs: { key: Buffer; value: Buffer }[] }>(kv, 'Range', request);
    expect(kvs.map(({ key }) => [...key])).toEqual([
      [0x42, 0x00],
      [0x42, 0x80],
      [0x42, 0xff],
    ]);
    expect(kvs.every(({ value }) => value.equals(all))).toBe(true);
  });

  it('answers with etcd’s codes and texts', async () => {
    const kv = await open('KV');
    const refused = (method: string, request: object): Promise<unknown> =>
      call(kv, method, request).then(
        () => 'answered',
        ({ code, details }: ServiceError) => [code, details],
      );
    expect(await refused('Put', {})).toEqual([status.INVALID_ARGUMENT, 'etcdserver: key is not provided']);
    expect(await refused('Put', { ...put('a', ''), lease: 9 })).toEqual([
      status.NOT_FOUND,
      'etcdserver: requested lease not found',
    ]);
    expect(await refused('Compact', { revision: 1e6 })).toEqual([
      status.OUT_OF_RANGE,
      'etcdserver: mvcc: required revision is a future revision',
    ]);
    expect(await refused('Put', put('large', Buffer.alloc(4 << 20)))).toEqual([
      status.INVALID_ARGUMENT,
      'etcdserver: request is too large',
    ]);
  });

  it('cuts one large revision into fragments for those who take them', async () => {
    const kv = await open('KV');
    const { call: stream, responses } = await watch('big/', 'big0', { fragment: true });
    await until('it is created', () => responses.length === 1);
    const success = [0, 1, 2].map((i) => ({ request_put: put(`big/${i}`, Buffer.alloc(1_300_000, i)) }));
    await call(kv, 'Txn', { success });
    await until('all parts came', () => eventsOf(responses).length === 3);
    const parts = responses.slice(1);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ fragment }) => fragment)).toEqual([...parts.slice(1).map(() => true), false]);
    expect(new Set(eventsOf(responses).map(({ kv: { mod_revision } }) => mod_revision)).size).toBe(1);
    stream.cancel();
  });

  it('gives a client that paused all that it missed, in order', async () => {
    const kv = await open('KV');
    const { call: stream, responses } = await watch('slow/', 'slow0', {});
    await until('it is created', () => responses.length === 1);
    stream.pause();
    const value = Buffer.alloc(256 << 10, 1);
    for (let i = 0; i < 100; i++) await call(kv, 'Put', put(`slow/${i}`, value));
    stream.resume();
    await until('all came', () => eventsOf(responses).length === 100);
    const keys = eventsOf(responses).map(({ kv: { key } }) => Buffer.from(key).toString());
    expect(keys).toEqual(Array.from({ length: 100 }, (_, i) => `slow/${i}`));
    stream.cancel();
  });

  it('renews leases on a stream, and says 0 of one that is gone', async () => {
    const leases = await open('Lease');
    const { ID } = await call<{ ID: number }>(leases, 'LeaseGrant', { TTL: 30, ID: 4711 });
    expect(ID).toBe(4711);
    const stream = leases['LeaseKeepAlive']!.call(
      leases,
      undefined as never,
      undefined as never,
    ) as unknown as ClientDuplexStream<object, { ID: number; TTL: number }>;
    const answers: number[] = [];
    stream.on('data', ({ TTL }: { TTL: number }) => answers.push(TTL));
    stream.write({ ID });
    await until('it is renewed', () => answers.length === 1);
    await call(leases, 'LeaseRevoke', { ID });
    stream.write({ ID });
    await until('it is told', () => answers.length === 2);
    expect(answers).toEqual([30, 0]);
    stream.end();
  });

  it('changes members, and refuses with etcd’s texts', async () => {
    const cluster = await open('Cluster');
    type Answer = { member: { ID: number; name: string }; members: { ID: number; isLearner: boolean }[] };
    const refused = (method: string, request: object): Promise<unknown> =>
      call(cluster, method, request).then(
        () => 'answered',
        ({ code, details }: ServiceError) => [code, details],
      );
    const peerURLs = ['https://127.0.0.1:1'];
    const added = await call<Answer>(cluster, 'MemberAdd', { peerURLs, isLearner: true });
    expect(added.member).toMatchObject({ ID: 2, name: 'm2', peerURLs, isLearner: true });
    expect(added.members).toHaveLength(2);
    const failed = status.FAILED_PRECONDITION;
    expect(await refused('MemberAdd', { peerURLs })).toEqual([
      failed,
      'etcdserver: Peer URLs already exists',
    ]);
    expect(await refused('MemberPromote', { ID: 1 })).toEqual([
      failed,
      'etcdserver: can only promote a learner member',
    ]);
    expect(await refused('MemberPromote', { ID: 2 })).toEqual([
      failed,
      'etcdserver: can only promote a learner member which is in sync with leader',
    ]);
    expect(await refused('MemberAdd', { peerURLs: ['https://127.0.0.1:2'] })).toEqual([
      failed,
      'etcdserver: re-configuration failed due to not enough started members',
    ]);
    expect(await refused('MemberRemove', { ID: 9 })).toEqual([
      status.NOT_FOUND,
      'etcdserver: member not found',
    ]);
    for (const urls of [[], ['https://a:1', 'https://b:1'], ['http://a:1'], ['https://a']])
      expect(await refused('MemberUpdate', { ID: 2, peerURLs: urls })).toEqual([
        status.INVALID_ARGUMENT,
        'etcdserver: given member URLs are invalid',
      ]);
    await call(cluster, 'MemberUpdate', { ID: 2, peerURLs: ['https://[::1]:3'] });
    const { members } = await call<Answer>(cluster, 'MemberList', { linearizable: true });
    expect(members[1]).toMatchObject({ peerURLs: ['https://[::1]:3'] });
    expect((await call<Answer>(cluster, 'MemberRemove', { ID: 2 })).members).toHaveLength(1);
  });

  it('lets nobody in without a certificate of its authority', async () => {
    const stranger = await open('KV', credentials.createSsl(Buffer.from(pki.ca.certificate)));
    const error = await call(stranger, 'Range', { key: Buffer.from('a') }).catch((e: ServiceError) => e.code);
    expect(error).toBe(status.UNAVAILABLE);
  });
});
