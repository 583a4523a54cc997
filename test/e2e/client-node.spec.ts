import {
  CoreV1Api,
  type Informer,
  KubeConfig,
  type KubernetesListObject,
  makeInformer,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pki } from './support/api.js';
import { eventually, TestCluster } from './support/cluster.js';
import { outliveHistory } from './support/outlive-history.js';

/** The JavaScript client's informers and watches see every change once and in order, and recover when told to. */

let cluster: TestCluster;
let config: KubeConfig;
let core: CoreV1Api;

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 0 });
  config = configFor(cluster.server());
  core = config.makeApiClient(CoreV1Api);
});

afterAll(async () => {
  await cluster.dispose();
});

function configFor(server: string): KubeConfig {
  const base64 = (name: string): string => Buffer.from(pki(cluster, name)).toString('base64');
  const made = new KubeConfig();
  made.loadFromClusterAndUser(
    { name: 'e2e', server, caData: base64('ca.crt'), skipTLSVerify: false },
    { name: 'admin', certData: base64('admin.crt'), keyData: base64('admin.key') },
  );
  return made;
}

interface Seen {
  readonly event: string;
  readonly name: string;
  readonly n: number;
  readonly revision: number;
}

function seen(event: string, object: V1ConfigMap): Seen {
  const { name = '', resourceVersion = '0' } = object.metadata ?? {};
  return { event, name, n: Number(object.data?.['n']), revision: Number(resourceVersion) };
}

type ConfigMapInformer = Informer<V1ConfigMap>;

/** An informer of a namespace's ConfigMaps that writes down what it is told. */
function informer(
  namespace: string,
  from: KubeConfig = config,
): { informer: ConfigMapInformer; log: Seen[] } {
  const api = from.makeApiClient(CoreV1Api);
  const list = (): Promise<KubernetesListObject<V1ConfigMap>> => api.listNamespacedConfigMap({ namespace });
  const made = makeInformer(from, `/api/v1/namespaces/${namespace}/configmaps`, list);
  const log: Seen[] = [];
  for (const event of ['add', 'update', 'delete'] as const) {
    made.on(event, (object) => {
      if (object.metadata?.name !== 'kube-root-ca.crt') log.push(seen(event, object));
    });
  }
  return { informer: made, log };
}

async function createNamespace(name: string): Promise<void> {
  await core.createNamespace({ body: { metadata: { name } } });
  // Its own ConfigMap comes from a controller; it must not come in between.
  await eventually('kube-root-ca.crt is published', async () =>
    core.readNamespacedConfigMap({ namespace: name, name: 'kube-root-ca.crt' }),
  );
}

/** Creates, updates three times and deletes `count` objects one after the other. */
async function writer(namespace: string, prefix: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const name = `${prefix}-${i}`;
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { n: '0' } } });
    for (let n = 1; n <= 3; n += 1) {
      await core.replaceNamespacedConfigMap({
        namespace,
        name,
        body: { metadata: { name }, data: { n: String(n) } },
      });
    }
    await core.deleteNamespacedConfigMap({ namespace, name });
  }
}

const life = ['add 0', 'update 1', 'update 2', 'update 3', 'delete 3'];

describe('an informer', () => {
  it('sees every change once and in order under concurrent writes, the same on every master', async () => {
    const namespace = 'stream';
    await createNamespace(namespace);
    const masters = ['master-1', 'master-2', 'master-3'].map((name) => configFor(cluster.server(name)));
    const informers = [config, ...masters].map((from) => informer(namespace, from));
    for (const each of informers) await each.informer.start();
    const writers = 8;
    const objects = 15;
    await Promise.all(Array.from({ length: writers }, (_, id) => writer(namespace, `w${id}`, objects)));
    const total = writers * objects * life.length;
    for (const { log } of informers) {
      await eventually(`${total} events`, async () => log.length >= total);
    }
    for (const { informer: each, log } of informers) {
      await each.stop();
      expect(log).toHaveLength(total);
      for (let id = 0; id < writers; id += 1) {
        for (let i = 0; i < objects; i += 1) {
          const own = log.filter(({ name }) => name === `w${id}-${i}`);
          expect(own.map(({ event, n }) => `${event} ${n}`)).toEqual(life);
        }
      }
      const revisions = log.map(({ revision }) => revision);
      expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
      expect(log).toEqual(informers[0]!.log);
    }
  });

  it('goes on after its master has died, with nothing missing and nothing twice', async () => {
    const namespace = 'survivor';
    await createNamespace(namespace);
    const { informer: watched, log } = informer(namespace);
    // As its documentation advises: a broken connection is reported, and the user starts it again.
    watched.on('error', () => void watched.start());
    await watched.start();
    await writer(namespace, 'before', 3);
    for (const { pid } of (await cluster.status()).members) {
      process.kill(pid!, 'SIGKILL');
      await eventually('the cluster is whole again', async () => {
        const status = await cluster.status();
        return status.quorum && status.members.every(({ healthy }) => healthy);
      });
    }
    await eventually('writes are taken', async () => {
      await core.createNamespacedConfigMap({
        namespace,
        body: { metadata: { name: 'after' }, data: { n: '0' } },
      });
      return true;
    });
    await eventually('the informer sees what came later', async () =>
      log.some(({ name }) => name === 'after'),
    );
    await watched.stop();
    const keys = log.map(({ event, name, n }) => `${name} ${event} ${n}`);
    expect(keys).toEqual([
      ...['before-0', 'before-1', 'before-2'].flatMap((name) => life.map((step) => `${name} ${step}`)),
      'after add 0',
    ]);
  });
});

describe('a watch', () => {
  const path = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;

  /** Watches from a version until `count` events have come. */
  async function take(namespace: string, resourceVersion: string, count: number): Promise<Seen[]> {
    const events: Seen[] = [];
    const watch = new Watch(config);
    await new Promise<void>((resolve, reject) => {
      const request = watch.watch(
        path(namespace),
        { resourceVersion },
        (event, object) => {
          if (events.length < count) events.push(seen(event, object as V1ConfigMap));
          if (events.length === count) void request.then((controller) => controller.abort());
        },
        (error: unknown) => (events.length === count ? resolve() : reject(error as Error)),
      );
    });
    return events;
  }

  it('resumes from the version of the last event', async () => {
    const namespace = 'resume';
    await createNamespace(namespace);
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    await writer(namespace, 'r', 4);
    const whole = await take(namespace, metadata?.resourceVersion ?? '', 4 * life.length);
    const first = await take(namespace, metadata?.resourceVersion ?? '', 7);
    const rest = await take(namespace, String(first.at(-1)?.revision), 4 * life.length - 7);
    expect([...first, ...rest]).toEqual(whole);
  });

  it('is told 410 when its version has been compacted away; an informer lists again and loses nothing', async () => {
    const namespace = 'expired';
    await createNamespace(namespace);
    const put = async (name: string, n: number): Promise<void> => {
      const body = { metadata: { name }, data: { n: String(n) } };
      if (n === 0) await core.createNamespacedConfigMap({ namespace, body });
      else await core.replaceNamespacedConfigMap({ namespace, name, body });
    };
    const { informer: watched, log } = informer(namespace);
    await put('changed', 0);
    await put('removed', 0);
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    await watched.start();
    await eventually('the informer is in step', async () => log.length === 2);
    await watched.stop();
    await put('changed', 1);
    await core.deleteNamespacedConfigMap({ namespace, name: 'removed' });
    await put('added', 0);
    await outliveHistory(cluster);
    const refusal = await eventually('the watch is refused', async () => {
      const answer = await refused(namespace, metadata?.resourceVersion ?? '');
      return answer === 410 && answer;
    });
    expect(refusal).toBe(410);
    await watched.start();
    await eventually('the informer has recovered', async () => log.length >= 5);
    await watched.stop();
    const later = log.slice(2).map(({ event, name, n }) => `${event} ${name} ${n}`);
    expect(later.sort()).toEqual(['add added 0', 'delete removed 0', 'update changed 1']);
  }, 120_000);

  /** Status code of the refusal, whether it comes as an answer or as an event; undefined when an event came. */
  async function refused(namespace: string, resourceVersion: string): Promise<number | undefined> {
    const watch = new Watch(config);
    return new Promise((resolve) => {
      const request = watch.watch(
        path(namespace),
        { resourceVersion },
        (event, object: { code?: number }) => {
          resolve(event === 'ERROR' ? object.code : undefined);
          void request.then((controller) => controller.abort());
        },
        (error: unknown) => resolve((error as { statusCode?: number } | null)?.statusCode),
      );
    });
  }
});
