import { resources, type Condition, type Pod } from '#libs/client';
import { afterEach, describe, expect, it } from 'vitest';
import { startCluster, type TestCluster } from './testing/cluster.js';
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
});
