import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScheme } from '#libs/apimachinery';
import { createApiServer, defaultAdmission, serverPaths, type ApiServer } from '#libs/apiserver';
import {
  createClient,
  createInformerFactory,
  createInProcessTransport,
  formatTime,
  isNotFound,
  resources,
  type Client,
  type Deployment,
  type Pod,
  type Transport,
} from '#libs/client';
import { createMemoryStorage, type MemoryStorage } from '#libs/consensus';
import { startControllers, type ControllersHandle } from './start.js';
import { template, until } from './testing/harness.js';

/** All controllers on the real API over memory; a stand-in for scheduler and kubelet binds pods and runs them. */
describe('all controllers on the real API server', () => {
  let storage: MemoryStorage;
  let server: ApiServer;
  let client: Client;
  let handle: ControllersHandle;
  let stop: AbortController;
  let transport: Transport;
  const errors: string[] = [];
  const requests = new Map<string, number>();
  let onWrite = (): void => undefined;
  let informers: ReturnType<typeof createInformerFactory>;

  beforeEach(async () => {
    storage = createMemoryStorage();
    stop = new AbortController();
    errors.length = 0;
    requests.clear();
    onWrite = () => undefined;
    const scheme = createScheme();
    server = createApiServer({
      storage,
      scheme,
      authorizer: { authorize: () => ({ decision: 'allow', reason: '' }) },
      admission: defaultAdmission(),
      paths: serverPaths({ scheme, productVersion: '0.0.0' }),
      onFault: (error) => errors.push(`fault: ${String((error as Error).stack)}`),
    });
    transport = createInProcessTransport(server.handle, {
      user: {
        username: 'system:kube-controller-manager',
        groups: ['system:masters', 'system:authenticated'],
      },
    });
    client = createClient(transport);
    informers = createInformerFactory({ client });
    runPods();
    informers.start(stop.signal);
    await informers.synced();
    for (const name of ['default', 'kube-system', 'kube-node-lease']) {
      await client
        .resource(resources.namespaces)
        .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    for (const name of ['n1', 'n2', 'n3']) {
      const made = await client
        .resource(resources.nodes)
        .create({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
      await client.resource(resources.nodes).updateStatus({
        ...structuredClone(made),
        status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }] },
      });
    }
    handle = startControllers({
      transport: counting(transport),
      signal: stop.signal,
      rootCa: 'PEM',
      onError: (error, what) => errors.push(`${what}: ${String(error)}`),
    });
    await handle.synced();
    await until(
      () => informers.informer(resources.serviceAccounts).lister.get('default', 'default') !== undefined,
      'the default account',
    );
  });
  afterEach(async () => {
    await handle.stop();
    stop.abort();
    server.close();
    await storage.close();
  });

  function counting(inner: Transport): Transport {
    return {
      watch: (request, sink) => inner.watch(request, sink),
      request: (request) => {
        if (request.method !== 'GET') {
          requests.set(request.method, (requests.get(request.method) ?? 0) + 1);
          onWrite();
        }
        return inner.request(request);
      },
    };
  }

  function runPods(): void {
    informers.informer(resources.serviceAccounts);
    informers.informer(resources.deployments);
    informers.informer(resources.endpointSlices);
    const pods = client.resource(resources.pods);
    let ip = 1;
    const nodeFor = (pod: Pod): string => {
      const fields =
        pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]
          ?.matchFields;
      return fields?.[0]?.values?.[0] ?? `n${1 + (ip % 3)}`;
    };
    const step = async (pod: Pod): Promise<void> => {
      const { name = '', namespace = '' } = pod.metadata;
      if (pod.metadata.deletionTimestamp !== undefined) {
        await pods.delete(name, { namespace, gracePeriodSeconds: 0 });
      } else if ((pod.spec.nodeName ?? '') === '') {
        const target = { apiVersion: 'v1', kind: 'Node', name: nodeFor(pod) };
        await pods.subresource(name, 'binding', {
          namespace,
          body: { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target },
        });
      } else if (pod.status?.phase === 'Pending') {
        const ends = pod.spec.restartPolicy === 'Never';
        const now = formatTime(Date.now());
        const address = `10.1.${ip >> 8}.${ip++ & 255}`;
        const status = {
          phase: ends ? 'Succeeded' : 'Running',
          podIP: address,
          podIPs: [{ ip: address }],
          conditions: [{ type: 'Ready', status: ends ? 'False' : 'True', lastTransitionTime: now }],
        };
        await pods.patch(name, { status }, { namespace, subresource: 'status' });
      }
    };
    const act = (pod: Pod): void => {
      step(pod).catch((error: unknown) => {
        if (!isNotFound(error) && !stop.signal.aborted) errors.push(`kubelet: ${String(error)}`);
      });
    };
    informers.informer(resources.pods).addHandler({ add: act, update: act });
  }

  const podCount = (): number => informers.informer(resources.pods).lister.size;
  const deployment = (name: string, replicas: number, image = 'image:1'): Deployment => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: template(name, image) as Deployment['spec']['template'],
    },
  });
  const available = (name: string): number =>
    informers.informer(resources.deployments).lister.get('default', name)?.status?.availableReplicas ?? 0;
  /** Nothing is written any more for a while: the controllers have come to rest. */
  async function rest(): Promise<void> {
    let seen = -1;
    let sinceMs = 0;
    await until(() => {
      if (storage.revision !== seen) {
        seen = storage.revision;
        sinceMs = Date.now();
      }
      return Date.now() - sinceMs > 300; // longer than any delay that gathers changes
    }, 'the controllers come to rest');
  }

  it('turn a Deployment with its Service into running pods and endpoints, roll it, and come to rest', async () => {
    await client.resource(resources.services).create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await client.resource(resources.deployments).create(deployment('web', 10));
    await until(() => available('web') === 10);
    const slices = informers.informer(resources.endpointSlices).lister;
    await until(() =>
      slices
        .inNamespace('default')
        .some((slice) => slice.endpoints.filter((each) => each.conditions?.ready).length === 10),
    );
    const patch = { spec: { template: { spec: { containers: [{ name: 'main', image: 'image:2' }] } } } };
    await client
      .resource(resources.deployments)
      .patch('web', patch, { namespace: 'default', type: 'strategic' });
    const pods = informers.informer(resources.pods).lister;
    await until(
      () =>
        podCount() === 10 && [...pods.values()].every((pod) => pod.spec.containers[0]?.image === 'image:2'),
    );
    await rest();
    expect(errors).toEqual([]);
  });

  it('run StatefulSet, DaemonSet and Job to their ends', async () => {
    const metadata = { name: 'one', namespace: 'default' };
    const spec = {
      selector: { matchLabels: { app: 'one' } },
      template: template('one') as Deployment['spec']['template'],
    };
    await client.resource(resources.statefulSets).create({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata,
      spec: { ...structuredClone(spec), replicas: 3, serviceName: 'one' },
    });
    const daemon = {
      selector: { matchLabels: { app: 'two' } },
      template: template('two') as Deployment['spec']['template'],
    };
    await client
      .resource(resources.daemonSets)
      .create({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { ...metadata }, spec: daemon });
    const work = {
      spec: { containers: [{ name: 'main', image: 'image:1' }], restartPolicy: 'Never' as const },
    };
    await client.resource(resources.jobs).create({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { ...metadata },
      spec: { completions: 4, parallelism: 2, template: work },
    });
    const get = async (): Promise<boolean> => {
      const options = { namespace: 'default' };
      const set = await client.resource(resources.statefulSets).get('one', options);
      const agents = await client.resource(resources.daemonSets).get('one', options);
      const job = await client.resource(resources.jobs).get('one', options);
      const complete =
        job.status?.conditions?.some((each) => each.type === 'Complete' && each.status === 'True') === true;
      return (
        set.status?.readyReplicas === 3 &&
        agents.status?.numberReady === 3 &&
        complete &&
        job.status?.succeeded === 4
      );
    };
    await eventually(get);
    await rest();
    expect(errors).toEqual([]);
  });

  it.each(['Background', 'Foreground', 'Orphan'] as const)(
    'delete a Deployment with propagation %s',
    async (propagationPolicy) => {
      await client.resource(resources.deployments).create(deployment('web', 5));
      await until(() => available('web') === 5);
      await client.resource(resources.deployments).delete('web', { namespace: 'default', propagationPolicy });
      await until(() => informers.informer(resources.deployments).lister.size === 0);
      if (propagationPolicy === 'Orphan') {
        await rest();
        expect(podCount()).toBe(5);
      } else await until(() => podCount() === 0);
      expect(errors).toEqual([]);
    },
  );

  it('empty and remove a deleted namespace', async () => {
    await client
      .resource(resources.namespaces)
      .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'doomed' } });
    const made = deployment('web', 3);
    made.metadata.namespace = 'doomed';
    await eventually(async () => {
      await client.resource(resources.serviceAccounts).get('default', { namespace: 'doomed' });
      return true;
    });
    await client.resource(resources.deployments).create(made);
    await until(() => podCount() === 3);
    await client.resource(resources.namespaces).delete('doomed');
    await eventually(async () => {
      const namespaces = await client.resource(resources.namespaces).list();
      return namespaces.items.every((each) => each.metadata.name !== 'doomed');
    });
    expect(podCount()).toBe(0);
    expect(errors).toEqual([]);
  });

  it('make 1,000 pods at a cost in writes that grows with their number, no faster', async () => {
    await client.resource(resources.deployments).create(deployment('web', 1_000));
    await until(() => available('web') === 1_000, '1,000 available pods');
    const creates = requests.get('POST') ?? 0;
    expect(creates).toBeLessThan(1_200);
    expect(podCount()).toBe(1_000);
    expect(errors).toEqual([]);
  });

  it('stop at once, in the middle of work: no request is made afterwards', async () => {
    let before = 0;
    onWrite = () => {
      if (requests.get('POST') !== 100) return;
      stop.abort(new Error('deposed'));
      before = 100;
    };
    await client.resource(resources.deployments).create(deployment('web', 500));
    await until(() => before === 100);
    await handle.stop();
    expect(requests.get('POST')).toBe(before);
    expect(podCount()).toBeLessThan(500);
    expect(errors).toEqual([]);
  });

  async function eventually(condition: () => Promise<boolean>): Promise<void> {
    let met = false;
    const poll = async (): Promise<void> => {
      while (!met && !stop.signal.aborted) {
        try {
          met = await condition();
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const polling = poll();
    await until(() => met, condition.toString());
    await polling;
  }
});
