import { createScheme } from '#libs/apimachinery';
import { createApiServer, defaultAdmission } from '#libs/apiserver';
import {
  createClient,
  createInProcessTransport,
  resources,
  type Client,
  type Condition,
  type Node,
  type Pod,
} from '#libs/client';
import { createMemoryStorage } from '#libs/consensus';
import { afterEach, describe, expect, it } from 'vitest';
import { startScheduler, type SchedulerHandle } from './index.js';
import { makeNode, makePod } from './testing/objects.js';

const isBound = (pod: Pod): boolean => (pod.spec.nodeName ?? '') !== '';
const scheduled = (pod: Pod): Condition | undefined =>
  pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
const isRefused = (pod: Pod): boolean => scheduled(pod)?.reason === 'Unschedulable';

describe('the scheduler, over a real API server', () => {
  let cluster: TestCluster;
  afterEach(async () => {
    await cluster.close();
    expect(cluster.errors).toEqual([]);
  });

  it('binds a pod to the node with most room left and says so in an event', async () => {
    cluster = await startCluster([makeNode('small', { allocatable: { cpu: '1' } }), makeNode('large')]);
    await cluster.createPod(makePod('web', { cpu: '500m', memory: '1Gi' }));
    const pod = await cluster.podWhen('web', isBound);
    expect(pod.spec.nodeName).toBe('large');
    expect(scheduled(pod)?.status).toBe('True');
  });

  it('tells why a pod fits nowhere in the words of Kubernetes, and places it when a node comes that suits', async () => {
    const taints = [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' as const }];
    cluster = await startCluster([makeNode('tainted', { taints }), makeNode('a'), makeNode('b')]);
    await cluster.createPod(makePod('big', { cpu: '6' }));
    const refused = await cluster.podWhen('big', isRefused);
    expect(scheduled(refused)).toMatchObject({
      status: 'False',
      reason: 'Unschedulable',
      message: expect.stringMatching(
        /^0\/3 nodes are available: 1 node\(s\) had untolerated taint\(s\), 2 Insufficient cpu\./,
      ) as string,
    });
    await cluster.createNode(makeNode('large', { allocatable: { cpu: '16' } }));
    const pod = await cluster.podWhen('big', isBound);
    expect(pod.spec.nodeName).toBe('large');
  });

  it('never places more on a node than fits, though decisions run ahead of bindings', async () => {
    cluster = await startCluster(['a', 'b', 'c'].map((name) => makeNode(name)));
    await Promise.all(
      Array.from({ length: 13 }, (_, index) => cluster.createPod(makePod(`p${index}`, { cpu: '1' }))),
    );
    const names = Array.from({ length: 13 }, (_, index) => `p${index}`);
    const pods = await Promise.all(
      names.map((name) => cluster.podWhen(name, (pod) => isBound(pod) || isRefused(pod))),
    );
    expect(pods.filter(isBound)).toHaveLength(12);
    for (const node of ['a', 'b', 'c'])
      expect(pods.filter(({ spec }) => spec.nodeName === node)).toHaveLength(4);
  });

  it('leaves alone what is not its own: other schedulers, gated pods', async () => {
    cluster = await startCluster([makeNode('a')]);
    await cluster.createPod(makePod('other', { schedulerName: 'mine' }));
    await cluster.createPod(makePod('gated', { schedulingGates: [{ name: 'wait' }] }));
    await cluster.createPod(makePod('last'));
    await cluster.podWhen('last', isBound);
    const { items } = await cluster.client.resource(resources.pods).list({ namespace: 'default' });
    expect(items.filter(isBound).map(({ metadata }) => metadata.name)).toEqual(['last']);
  });

  it('schedules a gated pod once its gates are removed', async () => {
    cluster = await startCluster([makeNode('a')]);
    await cluster.createPod(makePod('gated', { schedulingGates: [{ name: 'wait' }] }));
    const pods = cluster.client.resource(resources.pods);
    await pods.patch('gated', { spec: { schedulingGates: null } }, { namespace: 'default' });
    expect((await cluster.podWhen('gated', isBound)).spec.nodeName).toBe('a');
  });

  it('uses the room that a deleted pod leaves', async () => {
    cluster = await startCluster([makeNode('a')]);
    await cluster.createPod(makePod('first', { cpu: '3' }));
    await cluster.podWhen('first', isBound);
    await cluster.createPod(makePod('second', { cpu: '3' }));
    await cluster.podWhen('second', isRefused);
    await cluster.client
      .resource(resources.pods)
      .delete('first', { namespace: 'default', gracePeriodSeconds: 0 });
    expect((await cluster.podWhen('second', isBound)).spec.nodeName).toBe('a');
  });

  it('makes room for a pod of higher priority: fewest victims, told why, room kept until they are gone', async () => {
    cluster = await startCluster([makeNode('a'), makeNode('b')]);
    await createPriorityClass(cluster.client, 'high', 1000);
    for (const [name, cpu] of [
      ['one', '4'],
      ['two', '2'],
      ['three', '2'],
    ] as const) {
      await cluster.createPod(makePod(name, { cpu }));
      await cluster.podWhen(name, isBound);
    }
    const victim = cluster.podWhen('one', (pod) => pod.metadata.deletionTimestamp !== undefined);
    const nominated = cluster.podWhen('urgent', (pod) => (pod.status?.nominatedNodeName ?? '') !== '');
    await cluster.createPod(makePod('urgent', { cpu: '4', priorityClassName: 'high' }));
    expect((await victim).status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
      }),
    );
    const { nodeName } = (await victim).spec;
    expect((await nominated).status?.nominatedNodeName).toBe(nodeName);
    await cluster.client
      .resource(resources.pods)
      .delete('one', { namespace: 'default', gracePeriodSeconds: 0 });
    expect((await cluster.podWhen('urgent', isBound)).spec.nodeName).toBe(nodeName);
  });
});

async function createPriorityClass(client: Client, name: string, value: number): Promise<void> {
  const kind = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass' };
  await client.resource(resources.priorityClasses).create({ ...kind, metadata: { name }, value });
}

/** A scheduler over a real API server in memory. */
interface TestCluster {
  readonly client: Client;
  readonly scheduler: SchedulerHandle;
  readonly errors: { readonly error: unknown; readonly what: string }[];
  createPod(pod: Pod): Promise<Pod>;
  createNode(node: Node): Promise<void>;
  /** The pod, once `condition` holds of it. */
  podWhen(name: string, condition: (pod: Pod) => boolean): Promise<Pod>;
  close(): Promise<void>;
}

async function startCluster(nodes: readonly Node[]): Promise<TestCluster> {
  const storage = createMemoryStorage();
  const server = createApiServer({
    storage,
    scheme: createScheme(),
    authorizer: { authorize: () => ({ decision: 'allow', reason: '' }) },
    admission: defaultAdmission(),
  });
  const user = { username: 'system:kube-scheduler', groups: ['system:masters', 'system:authenticated'] };
  const transport = createInProcessTransport(server.handle, { user });
  const client = createClient(transport);
  const stopper = new AbortController();
  await client.raw({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
  });
  await client.resource(resources.serviceAccounts).create({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  });
  const createNode = async (node: Node): Promise<void> => {
    await client.resource(resources.nodes).create(node);
  };
  for (const node of nodes) await createNode(node);
  const errors: { error: unknown; what: string }[] = [];
  const scheduler = startScheduler({
    transport,
    signal: stopper.signal,
    onError: (error, what) => errors.push({ error, what }),
  });
  await scheduler.synced();
  return {
    client,
    scheduler,
    errors,
    createNode,
    createPod(pod) {
      const { uid: _, ...metadata } = pod.metadata;
      return client.resource(resources.pods).create({ ...pod, metadata });
    },
    podWhen: (name, condition) => podWhen(client, name, condition),
    async close() {
      await scheduler.stop();
      server.close();
      await storage.close();
    },
  };
}

async function podWhen(client: Client, name: string, condition: (pod: Pod) => boolean): Promise<Pod> {
  const stopper = new AbortController();
  const found = deferred<Pod>();
  const look = (_type: string, object: unknown): void => {
    const pod = object as Pod;
    if (pod.metadata.name === name && condition(pod)) found.resolve(pod);
  };
  await client.resource(resources.pods).watch(
    {
      namespace: 'default',
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
      signal: stopper.signal,
    },
    { onEvent: look, onEnd: () => found.reject(new Error(`pod ${name} never came to be as expected`)) },
  );
  try {
    return await found.promise;
  } finally {
    stopper.abort();
  }
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
