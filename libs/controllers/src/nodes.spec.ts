import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatTime, type Node, type Pod, type Taint, type Toleration } from '#libs/client';
import { tolerates } from './core/tolerations.js';
import { createNodeLifecycleController } from './node-lifecycle.js';
import { createPodGcController } from './pod-gc.js';
import { createTaintEvictionController } from './taint-eviction.js';
import { createHarness, object, settle, until, type Harness } from './testing/harness.js';

const ready = { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' };
const nodeOf = (name: string, spec: Record<string, unknown> = {}, conditions: unknown[] = [ready]) =>
  object('v1', 'Node', name, { namespace: '', spec, status: { conditions } });
const podOn = (name: string, nodeName: string, spec: Record<string, unknown> = {}) =>
  object('v1', 'Pod', name, {
    spec: { nodeName, containers: [], ...spec },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });

describe('node lifecycle', () => {
  let harness: Harness;
  const node = (name = 'n1') => harness.api.get<Node>('nodes', '', name);
  const readiness = () => node()?.status?.conditions?.find((each) => each.type === 'Ready');
  const taints = () => (node()?.spec?.taints ?? []).map((taint) => `${taint.key}:${taint.effect}`).toSorted();
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5_000) {
      harness.clock.advance(5_000);
      await settle(harness.api);
    }
  };
  const renew = () =>
    harness.api.change('leases', 'kube-node-lease', 'n1', (lease) => {
      lease['spec'] = { renewTime: formatTime(harness.clock.now()) };
    });
  const start = async () => {
    harness.api.put('nodes', nodeOf('n1'));
    harness.api.put(
      'leases',
      object('coordination.k8s.io/v1', 'Lease', 'n1', { namespace: 'kube-node-lease', spec: {} }),
    );
    harness.api.put('pods', podOn('p', 'n1'));
    await harness.run(createNodeLifecycleController(harness.context));
    await settle(harness.api);
  };
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it('leaves a node alone whose Lease is renewed', async () => {
    await start();
    for (let round = 0; round < 10; round++) {
      renew();
      await pass(10_000);
    }
    expect(readiness()?.status).toBe('True');
    expect(taints()).toEqual([]);
  });

  it('after 40 s of silence marks it Unknown, taints it, and marks its pods not ready; heals when it returns', async () => {
    await start();
    await pass(40_000);
    expect(readiness()?.status).toBe('True');
    await pass(5_000);
    expect(readiness()).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect(taints()).toEqual([
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/unreachable:NoSchedule',
    ]);
    expect(harness.api.get<Pod>('pods', 'default', 'p')?.status?.conditions?.[0]?.status).toBe('False');
    expect(node()?.spec?.taints?.[0]?.timeAdded).toBeDefined();
    harness.api.change('nodes', '', 'n1', (each) => {
      each['status'] = { conditions: [{ ...ready, lastHeartbeatTime: formatTime(harness.clock.now()) }] };
    });
    await pass(5_000);
    expect(taints()).toEqual([]);
  });

  it('taints what its conditions and its owner say, and keeps the taints of others', async () => {
    await start();
    harness.api.change('nodes', '', 'n1', (each) => {
      (each as Node).spec = { unschedulable: true, taints: [{ key: 'mine', effect: 'NoSchedule' }] };
      each['status'] = {
        conditions: [
          { ...ready, status: 'False' },
          { type: 'DiskPressure', status: 'True' },
        ],
      };
    });
    await pass(5_000);
    expect(taints()).toEqual([
      'mine:NoSchedule',
      'node.kubernetes.io/disk-pressure:NoSchedule',
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/not-ready:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
  });
});

describe('taint eviction', () => {
  it('evicts at once, after tolerationSeconds from the taint, or never', async () => {
    const harness = createHarness();
    const tolerating = (seconds?: number) => ({
      tolerations: [
        {
          key: 'gone',
          operator: 'Exists',
          effect: 'NoExecute',
          ...(seconds === undefined ? {} : { tolerationSeconds: seconds }),
        },
      ],
    });
    const names = () =>
      harness.api
        .list('pods')
        .map((pod) => pod.metadata.name)
        .toSorted();
    harness.api.put('nodes', nodeOf('n1'));
    harness.api.put('pods', podOn('now', 'n1'));
    harness.api.put('pods', podOn('later', 'n1', tolerating(300)));
    harness.api.put('pods', podOn('never', 'n1', tolerating()));
    harness.api.put('pods', podOn('elsewhere', 'n2'));
    await harness.run(createTaintEvictionController(harness.context));
    await settle(harness.api);
    expect(names()).toHaveLength(4);
    const timeAdded = formatTime(harness.clock.now() - 100_000);
    harness.api.change('nodes', '', 'n1', (each) => {
      (each as Node).spec = { taints: [{ key: 'gone', effect: 'NoExecute', timeAdded }] };
    });
    await until(() => !names().includes('now'));
    await settle(harness.api);
    harness.clock.advance(199_000);
    await settle(harness.api);
    expect(names()).toEqual(['elsewhere', 'later', 'never']);
    harness.clock.advance(2_000);
    await until(() => !names().includes('later'));
    expect(names()).toEqual(['elsewhere', 'never']);
    await harness.stop();
  });

  it.each<[Partial<Toleration>, Partial<Taint>, boolean]>([
    [{ operator: 'Exists' }, {}, true],
    [{ key: 'a', operator: 'Exists' }, {}, true],
    [{ key: 'b', operator: 'Exists' }, {}, false],
    [{ key: 'a', value: 'v' }, { value: 'v' }, true],
    [{ key: 'a', operator: 'Equal', value: 'w' }, { value: 'v' }, false],
    [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }, {}, false],
    [{ key: 'a', operator: 'Gt', value: '5' }, { value: '7' }, true],
    [{ key: 'a', operator: 'Lt', value: '5' }, { value: '7' }, false],
  ])('%j covers %j: %s', (toleration, taint, covers) => {
    expect(tolerates(toleration as Toleration, { key: 'a', effect: 'NoExecute', ...taint } as Taint)).toBe(
      covers,
    );
  });
});

describe('pod gc', () => {
  it('deletes pods of nodes that are gone for the quarantine, unbound terminating ones, and the oldest finished', async () => {
    const harness = createHarness();
    harness.api.graceful.add('pods');
    const names = () =>
      harness.api
        .list('pods')
        .map((pod) => pod.metadata.name)
        .toSorted();
    harness.api.put('nodes', nodeOf('n1'));
    harness.api.put('pods', podOn('orphan', 'n-gone'));
    harness.api.put('pods', podOn('fine', 'n1'));
    harness.api.put(
      'pods',
      object('v1', 'Pod', 'unbound', {
        spec: { containers: [] },
        metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      }),
    );
    for (const name of ['old', 'older']) {
      harness.api.put(
        'pods',
        object('v1', 'Pod', name, {
          spec: { nodeName: 'n1', containers: [] },
          status: { phase: 'Succeeded' },
        }),
      );
      harness.clock.advance(1_000);
    }
    await harness.run(createPodGcController(harness.context, { terminatedPodThreshold: 1 }));
    await until(() => names().join() === 'fine,older,orphan');
    await settle(harness.api);
    harness.clock.advance(20_000);
    await settle(harness.api);
    expect(names()).toContain('orphan');
    harness.clock.advance(20_000);
    await until(() => names().join() === 'fine,older');
    await harness.stop();
  });
});
