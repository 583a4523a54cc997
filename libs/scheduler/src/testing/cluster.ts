import { createScheme } from '#libs/apimachinery';
import { createApiServer, defaultAdmission } from '#libs/apiserver';
import {
  createClient,
  createInProcessTransport,
  resources,
  type Client,
  type Node,
  type Pod,
} from '#libs/client';
import { createMemoryStorage } from '#libs/consensus';
import { startScheduler, type SchedulerHandle } from '../index.js';

/** SPEC ONLY: a scheduler over a real API server in memory. */
export interface TestCluster {
  readonly client: Client;
  readonly scheduler: SchedulerHandle;
  readonly errors: { readonly error: unknown; readonly what: string }[];
  createPod(pod: Pod): Promise<Pod>;
  createNode(node: Node): Promise<void>;
  /** The pod, once `condition` holds of it. */
  podWhen(name: string, condition: (pod: Pod) => boolean): Promise<Pod>;
  close(): Promise<void>;
}

export async function startCluster(nodes: readonly Node[]): Promise<TestCluster> {
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
