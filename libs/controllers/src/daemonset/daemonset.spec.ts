import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControllerRevision, DaemonSet, Node, Pod } from '#libs/client';
import {
  createHarness,
  makeReady,
  object,
  settle,
  setPod,
  template,
  until,
  type Harness,
} from '../testing/harness.js';
import { createDaemonSetController } from './daemonset.js';
import { nodeOfPod } from './nodes.js';

const node = (name: string, spec: Record<string, unknown> = {}, labels: Record<string, string> = {}) =>
  object('v1', 'Node', name, { namespace: '', metadata: { labels }, spec });

describe('daemonset', () => {
  let harness: Harness;
  const set = () => harness.api.get<DaemonSet>('daemonsets', 'default', 'agent');
  const pods = () => harness.api.list<Pod>('pods');
  const placed = () =>
    pods()
      .map((pod) => nodeOfPod(pod))
      .toSorted();
  const start = async (nodes: ReturnType<typeof node>[], spec: Record<string, unknown> = {}) => {
    for (const each of nodes) harness.api.put('nodes', each);
    harness.api.put(
      'daemonsets',
      object('apps/v1', 'DaemonSet', 'agent', {
        spec: {
          selector: { matchLabels: { app: 'agent' } },
          template: template('agent'),
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
          revisionHistoryLimit: 10,
          ...spec,
        },
      }),
    );
    await harness.run(createDaemonSetController(harness.context));
  };
  const setImage = (image: string) =>
    harness.api.change('daemonsets', 'default', 'agent', (each) => {
      const [container] = (each as DaemonSet).spec.template.spec.containers;
      if (container !== undefined) container.image = image;
    });
  const isRolled = () =>
    set()?.status?.updatedNumberScheduled === set()?.status?.desiredNumberScheduled &&
    set()?.status?.numberAvailable === set()?.status?.desiredNumberScheduled &&
    set()?.status?.observedGeneration === set()?.metadata.generation;
  const roll = async (watch: () => void = () => undefined) => {
    await until(() => {
      watch();
      makeReady(harness.api, harness.clock);
      return isRolled() && pods().every((pod) => pod.metadata.deletionTimestamp === undefined);
    });
    await settle(harness.api);
  };
  const nodes = (count: number) => Array.from({ length: count }, (_, at) => node(`n${at}`));
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it('runs one pod on every node, each meant for its node alone, and on nodes that come later', async () => {
    await start(nodes(3));
    await until(() => pods().length === 3);
    expect(placed()).toEqual(['n0', 'n1', 'n2']);
    harness.api.put('nodes', node('n3'));
    await until(() => pods().length === 4);
    await roll();
    expect(set()?.status).toMatchObject({
      desiredNumberScheduled: 4,
      currentNumberScheduled: 4,
      numberReady: 4,
      numberAvailable: 4,
      numberMisscheduled: 0,
      updatedNumberScheduled: 4,
    });
  });

  it('keeps to the node selector, follows label changes, and respects taints it does not tolerate', async () => {
    const taint = { key: 'dedicated', effect: 'NoSchedule' };
    await start(
      [node('a', {}, { disk: 'ssd' }), node('b'), node('c', { taints: [taint] }, { disk: 'ssd' })],
      {
        template: {
          ...template('agent'),
          spec: { ...template('agent').spec, nodeSelector: { disk: 'ssd' } },
        },
      },
    );
    await until(() => pods().length === 1);
    expect(placed()).toEqual(['a']);
    harness.api.change('nodes', '', 'b', (each) => void (each.metadata.labels = { disk: 'ssd' }));
    await until(() => pods().length === 2);
    harness.api.change('nodes', '', 'a', (each) => void (each.metadata.labels = {}));
    await until(() => placed().join() === 'b');
    harness.api.change(
      'nodes',
      '',
      'b',
      (each) => void ((each as Node).spec = { taints: [{ key: 'x', effect: 'NoSchedule' }] }),
    );
    await settle(harness.api);
    expect(placed()).toEqual(['b']);
    harness.api.change(
      'nodes',
      '',
      'b',
      (each) => void ((each as Node).spec = { taints: [{ key: 'x', effect: 'NoExecute' }] }),
    );
    await until(() => pods().length === 0);
  });

  it('tolerates what befalls nodes: not ready, unreachable, cordoned', async () => {
    const taints = ['not-ready', 'unreachable'].map((each) => ({
      key: `node.kubernetes.io/${each}`,
      effect: 'NoExecute',
    }));
    await start([
      node('a', {
        unschedulable: true,
        taints: [...taints, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
      }),
    ]);
    await until(() => pods().length === 1);
  });

  it('does not count or touch its pods for a heartbeat', async () => {
    await start(nodes(1));
    await roll();
    const before = harness.api.requests.length;
    harness.api.change(
      'nodes',
      '',
      'n0',
      (each) => void (each['status'] = { conditions: [{ type: 'Ready', status: 'True' }] }),
    );
    await settle(harness.api);
    expect(harness.api.requests.length).toBe(before);
  });

  it.each([1, 2, '50%'])(
    'rolls with at most maxUnavailable %s pods out at a time',
    async (maxUnavailable) => {
      await start(nodes(6), { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } } });
      await roll();
      const allowed = maxUnavailable === '50%' ? 3 : Number(maxUnavailable);
      setImage('image:2');
      await roll(() => {
        const ready = pods().filter((pod) => pod.status?.conditions?.[0]?.status === 'True').length;
        expect(ready).toBeGreaterThanOrEqual(6 - allowed);
      });
      expect(new Set(pods().map((pod) => pod.spec.containers[0]?.image))).toEqual(new Set(['image:2']));
      expect(
        harness.api.list<ControllerRevision>('controllerrevisions').map((each) => each.revision),
      ).toEqual([1, 2]);
    },
  );

  it('with surge starts the new pod first, and never has a node without one', async () => {
    await start(nodes(4), {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
    await roll();
    setImage('image:2');
    await roll(() => {
      const ready = pods().filter((pod) => pod.status?.conditions?.[0]?.status === 'True');
      expect(new Set(ready.map(nodeOfPod)).size).toBe(4);
      expect(pods().length).toBeLessThanOrEqual(5);
    });
    await until(() => pods().length === 4);
    expect(new Set(pods().map((pod) => pod.spec.containers[0]?.image))).toEqual(new Set(['image:2']));
  });

  it('replaces a failed pod, not sooner than a second after it was made', async () => {
    await start(nodes(1));
    await roll();
    const [pod] = pods();
    if (pod !== undefined) setPod(harness.api, pod, 'Failed', { clock: harness.clock });
    await settle(harness.api);
    expect(pods()[0]?.metadata.uid).toBe(pod?.metadata.uid);
    harness.clock.advance(1_000);
    await until(() => pods().length === 1 && pods()[0]?.metadata.uid !== pod?.metadata.uid);
  });
});
