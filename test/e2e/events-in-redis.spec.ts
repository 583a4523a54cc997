import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type ApiList, type ApiObject, type Status } from './support/api.js';
import { eventually, run, TestCluster } from './support/cluster.js';
import { freePort } from './support/free-port.js';
import { Program } from './support/program.js';

/** Events in a real Redis: the same API as with the log, over all masters; and Redis away, which nothing else notices. */

const directory = mkdtempSync(join(tmpdir(), 'trireme-redis-'));
const password = 'open-sesame';
const withRedis = new TestCluster('redis');
const withLog = new TestCluster('log');
let port = 0;
let redis: Program;
let redisApi: Api;
let logApi: Api;

beforeAll(async () => {
  port = await freePort();
  startRedis();
  const url = `redis://:${password}@127.0.0.1:${port}/1`;
  await Promise.all([
    withRedis.up({ nodes: 1, args: ['--events-store', url] }),
    withLog.up({ nodes: 0, masters: 1 }),
  ]);
  redisApi = Api.of(withRedis);
  logApi = Api.of(withLog);
});

afterAll(async () => {
  redisApi.close();
  logApi.close();
  await Promise.all([withRedis.dispose(), withLog.dispose()]);
  await redis.kill();
  rmSync(directory, { recursive: true, force: true });
});

function startRedis(): void {
  const persistent = ['--dir', directory, '--appendonly', 'yes', '--appendfsync', 'always'];
  redis = redisServer(port, '--requirepass', password, ...persistent);
}

function redisServer(at: number, ...flags: readonly string[]): Program {
  return new Program('redis-server', ['--port', String(at), '--bind', '127.0.0.1', '--save', '', ...flags]);
}

const core = '/api/v1/namespaces/default/events';
const newer = '/apis/events.k8s.io/v1/namespaces/default/events';
const event = (name: string, labels: Readonly<Record<string, string>> = {}) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, labels },
  involvedObject: { kind: 'Pod', name: `pod-of-${name}`, namespace: 'default' },
  reason: 'Tested',
  message: `about ${name}`,
  type: 'Normal',
  source: { component: 'e2e' },
});

interface WatchLine {
  readonly type: string;
  readonly object: ApiObject & Status;
}

/** What a watch tells within a second. */
async function watch(api: Api, path: string): Promise<readonly WatchLine[]> {
  const { text } = await api.call('GET', `${path}&watch=true&timeoutSeconds=1`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as WatchLine);
}
const told = (lines: readonly WatchLine[]) =>
  lines.map(({ type, object }) => `${type} ${object.metadata.name}`);

describe.each([
  ['Redis', () => redisApi],
  ['the log', () => logApi],
])('events in %s', (_name, the) => {
  const create = async (name: string, labels?: Readonly<Record<string, string>>): Promise<ApiObject> => {
    const { status, body } = await the().call<ApiObject>('POST', core, { body: event(name, labels) });
    expect(status).toBe(201);
    return body;
  };
  const list = async (query = '') =>
    (await the().call<ApiList>('GET', `${core}?labelSelector=suite=verbs${query}`)).body;

  it('are created, read in both groups, replaced, patched and deleted; a stale write is a conflict', async () => {
    const api = the();
    const created = await create('verbs');
    expect(await api.call('POST', core, { body: event('verbs') })).toMatchObject({ status: 409 });
    const path = `${core}/verbs`;
    expect((await api.call('GET', `${newer}/verbs`)).body).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      note: 'about verbs',
      metadata: created.metadata,
    });
    const count = { ...created, count: 2 };
    const replaced = (await api.call<ApiObject>('PUT', path, { body: count })).body;
    expect(Number(replaced.metadata.resourceVersion)).toBeGreaterThan(
      Number(created.metadata.resourceVersion),
    );
    expect(await api.call('PUT', path, { body: count })).toMatchObject({
      status: 409,
      body: { reason: 'Conflict' },
    });
    const headers = { 'content-type': 'application/merge-patch+json' };
    const patched = await api.call('PATCH', path, { body: { count: 3 }, headers });
    expect(patched.body).toMatchObject({ count: 3, metadata: { uid: created.metadata.uid } });
    expect(await api.call('DELETE', path)).toMatchObject({ status: 200 });
    expect(await api.call('GET', path)).toMatchObject({ status: 404, body: { reason: 'NotFound' } });
    expect(await api.call('PATCH', path, { body: { count: 4 }, headers })).toMatchObject({ status: 404 });
  });

  it('are listed by selectors and in pages of one revision, watched from one, and deleted together', async () => {
    const api = the();
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) await create(name, { suite: 'verbs' });
    const first = await list('&limit=2');
    expect(first.items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    await create('f', { suite: 'verbs' });
    const rest = await list(`&limit=10&continue=${first.metadata.continue}`);
    expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(['c', 'd', 'e']);
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const exact = `&resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`;
    expect((await list(exact)).items).toHaveLength(5);
    const about = await api.call<ApiList>('GET', `${core}?fieldSelector=involvedObject.name=pod-of-c`);
    expect(about.body.items.map(({ metadata }) => metadata.name)).toEqual(['c']);
    const gone = await api.call('DELETE', `${core}?labelSelector=suite=verbs`);
    expect(gone.status).toBe(200);
    expect((await list()).items).toEqual([]);
    const since = `${core}?labelSelector=suite=verbs&resourceVersion=${first.metadata.resourceVersion}`;
    const lines = await watch(api, since);
    expect(told(lines.slice(0, 1))).toEqual(['ADDED f']);
    expect(told(lines.slice(1)).sort()).toEqual([...names, 'f'].map((name) => `DELETED ${name}`));
    const tooNew = await api.call('GET', `${core}?resourceVersion=9000000000000000`);
    expect(tooNew).toMatchObject({ status: 504 });
  });
});

it('from before what is retained are 410; a watch may stream its beginning, with bookmarks', async () => {
  const tooOld = await redisApi.call('GET', `${core}?watch=true&resourceVersion=1`);
  expect(tooOld).toMatchObject({ status: 410, body: { reason: 'Expired' } });
  await redisApi.call('POST', core, { body: event('early', { suite: 'streams' }) });
  const lines = await watch(
    redisApi,
    `${core}?labelSelector=suite=streams&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
  );
  expect(lines.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK', 'BOOKMARK']);
});

it('written through one master are seen by kubectl get events -w on another, and are in Redis', async () => {
  const [one, other] = withRedis.file().masters.map(({ name }) => withRedis.server(name));
  const kubectl = join(process.cwd(), '.tools/bin/kubectl');
  const args = ['--server', other!, 'get', 'events', '-w', '-l', 'suite=watch'];
  const watcher = new Program(kubectl, args, { KUBECONFIG: withRedis.kubeconfig, HOME: withRedis.directory });
  const writer = Api.of(withRedis, { server: one! });
  try {
    await writer.call('POST', core, { body: event('across-0', { suite: 'watch' }) });
    await watcher.prints(/pod-of-across-0|pod\/pod-of-across-0/);
    for (let i = 1; i <= 20; i++)
      await writer.call('POST', core, { body: event(`across-${i}`, { suite: 'watch' }) });
    await watcher.prints(/about across-20/);
    const seen = [...watcher.stdout.matchAll(/about across-(\d+)/g)].map(([, i]) => Number(i));
    expect(seen).toEqual(Array.from({ length: 21 }, (_, i) => i));
  } finally {
    writer.close();
    await watcher.kill();
  }
  const stored = await redisCli('--no-auth-warning', '-n', '1', 'keys', '*');
  expect(stored).toContain(`{trireme:${withRedis.file().clusterId}:events}:objects`);
});

it('of the cluster itself are among them: kubectl describe tells what happened to a pod', async () => {
  await withRedis.kubectl(['run', 'web', '--image=web']);
  await withRedis.kubectl(['wait', 'pod/web', '--for=condition=Ready', '--timeout=60s']);
  await eventually('the scheduler tells of it', async () =>
    (await withRedis.kubectl(['describe', 'pod', 'web'])).includes('Successfully assigned default/web'),
  );
});

async function redisCli(...args: readonly string[]): Promise<string> {
  const result = await run('redis-cli', ['-p', String(port), '-a', password, ...args], { timeoutMs: 5_000 });
  return result.stdout;
}

const metric = async (name: string): Promise<readonly number[]> =>
  Promise.all(
    withRedis.file().masters.map(async ({ name: master }) => {
      const api = Api.of(withRedis, { server: withRedis.server(master) });
      const { text } = await api.call('GET', '/metrics');
      api.close();
      // Absent where nobody counted: only the leader's components record events.
      return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
    }),
  );

it('Redis killed: events are refused at once and counted, watches end, everything else goes on; and it comes back by itself', async () => {
  const kept = await redisApi.call<ApiObject>('POST', core, { body: event('kept') });
  const watching = redisApi.call('GET', `${core}?watch=true&timeoutSeconds=60`, { timeoutMs: 30_000 });
  await redis.kill();
  const refused = await eventually('events are refused', async () => {
    const answer = await redisApi.call('POST', core, { body: event('refused') });
    return answer.status === 503 && answer;
  });
  expect(refused.body).toMatchObject({
    reason: 'ServiceUnavailable',
    message: expect.stringMatching(
      /^the events store \(Redis at redis:\/\/127.0.0.1:\d+\/1\) is away: /,
    ) as string,
  });
  for (const query of ['', '?resourceVersion=0', '?watch=true'])
    expect((await redisApi.call('GET', core + query)).status).toBe(503);
  const startedAt = performance.now();
  await redisApi.call('POST', core, { body: event('refused') });
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  expect((await watching).text).toContain('"reason":"ServiceUnavailable"');

  await withRedis.kubectl(['create', 'namespace', 'short-lived']);
  await withRedis.kubectl(['-n', 'short-lived', 'run', 'other', '--image=web']);
  await withRedis.kubectl([
    '-n',
    'short-lived',
    'wait',
    'pod/other',
    '--for=condition=Ready',
    '--timeout=60s',
  ]);
  await withRedis.kubectl(['delete', 'namespace', 'short-lived', '--timeout=60s']);
  expect((await redisApi.call('GET', '/readyz')).status).toBe(200);
  expect(await metric('trireme_events_store_up')).toEqual([0, 0, 0]);
  expect(Math.max(...(await metric('trireme_events_dropped_total')))).toBeGreaterThan(0);

  startRedis();
  await eventually('events are back', async () => {
    const { status, body } = await redisApi.call<ApiObject>('GET', `${core}/kept`);
    return status === 200 && body.metadata.uid === kept.body.metadata.uid;
  });
  await eventually('on all masters', async () =>
    (await metric('trireme_events_store_up')).every((up) => up === 1),
  );
  const after = await redisApi.call<ApiObject>('POST', core, { body: event('after') });
  expect(Number(after.body.metadata.resourceVersion)).toBeGreaterThan(
    Number(kept.body.metadata.resourceVersion),
  );
});

it('a URL that is none is refused, without its password; a Redis that comes later is found, and events expire there', async () => {
  const wrong = await withLog.trireme('up', '--events-store', `http://:${password}@127.0.0.1`);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/--events-store: a Redis URL begins with redis:\/\//);
  expect(wrong.stderr).not.toContain(password);
  await withLog.trireme('down');
  const later = await freePort();
  const args = ['--events-store', `redis://127.0.0.1:${later}`, '--event-ttl-seconds', '1'];
  await withLog.up({ masters: 1, nodes: 0, args });
  const api = Api.of(withLog);
  expect(await api.call('GET', core)).toMatchObject({
    status: 503,
    body: {
      message: expect.stringMatching(/Redis cannot be reached at .* Start it, or correct the URL/) as string,
    },
  });
  expect((await api.call('GET', '/readyz')).status).toBe(200);
  const started = redisServer(later);
  try {
    const created = await eventually('it is found', async () => {
      const answer = await api.call<ApiObject>('POST', core, { body: event('brief') });
      return answer.status === 201 && answer.body.metadata.resourceVersion;
    });
    const path = `${core}?watch=true&resourceVersion=${created}&timeoutSeconds=`;
    await eventually('its time is up', async () =>
      (await api.call('GET', `${path}2`)).text.includes('"DELETED"'),
    );
  } finally {
    await started.kill();
    api.close();
  }
});
