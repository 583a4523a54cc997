import { Store, type PodDisruptionBudget } from '#libs/client';
import { describe, expect, it } from 'vitest';
import type { PodInfo } from '../cache/pod-info.js';
import { CycleState } from '../framework/cycle-state.js';
import type { PostFilterResult } from '../framework/plugin.js';
import { createBudgetCheck, type BudgetCheck } from '../preemption/disruption-budgets.js';
import { Fixture } from '../testing/fixture.js';
import { makeNode, makePod, type PodParts } from '../testing/objects.js';
import { createDefaultPreemption } from './default-preemption.js';

interface Outcome {
  readonly result: PostFilterResult;
  readonly victims: readonly string[];
  readonly node: string | undefined;
}

const noBudgets: BudgetCheck = () => new Set();

function preempt(fixture: Fixture, preemptor: PodInfo, budgets = noBudgets): Outcome {
  let victims: readonly string[] = [];
  let node: string | undefined;
  const plugin = createDefaultPreemption({
    cache: fixture.cache,
    nominator: fixture.nominator,
    budgets,
    random: () => 0,
    fitsOn: (pod) => fixture.algorithm.prober(pod),
    evict: (_preemptor, pods, nodeName) => {
      victims = pods.map(({ pod }) => pod.metadata.name ?? '').sort();
      node = nodeName;
    },
    onSupplanted: ({ uid }) => fixture.nominator.remove(uid),
  });
  const decision = fixture.algorithm.schedule(preemptor);
  if (decision.node !== undefined) throw new Error('it fits without');
  return { result: plugin.postFilter(new CycleState(), preemptor, decision.diagnosis), victims, node };
}

const urgent = (fixture: Fixture, parts: PodParts = {}): PodInfo =>
  fixture.info(makePod('urgent', { priority: 100, cpu: '2', ...parts }));

describe('preemption', () => {
  it('takes no more victims than needed, the least important ones, and leaves the cache as it was', () => {
    const fixture = new Fixture([makeNode('a')]);
    fixture.place(makePod('low', { cpu: '2', priority: 1 }), 'a');
    fixture.place(makePod('mid', { cpu: '2', priority: 5 }), 'a');
    expect(preempt(fixture, urgent(fixture))).toMatchObject({ victims: ['low'], node: 'a' });
    expect(fixture.cache.nodeByName('a')?.requested.milliCpu).toBe(4_000);
    expect(fixture.cache.nodeByName('a')?.pods.size).toBe(2);
  });

  it('never touches pods of the same or a higher priority', () => {
    const fixture = new Fixture([makeNode('a'), makeNode('b', { unschedulable: true })]);
    fixture.place(makePod('peer', { cpu: '4', priority: 100 }), 'a');
    const { result, victims } = preempt(fixture, urgent(fixture));
    expect(victims).toEqual([]);
    expect(result.message).toBe(
      '0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    );
  });

  it('prefers the node whose victims matter least', () => {
    const fixture = new Fixture([makeNode('a'), makeNode('b'), makeNode('c')]);
    fixture.place(makePod('a1', { cpu: '4', priority: 9 }), 'a');
    fixture.place(makePod('b1', { cpu: '2', priority: 3 }), 'b');
    fixture.place(makePod('b2', { cpu: '2', priority: 3 }), 'b');
    fixture.place(makePod('c1', { cpu: '4', priority: 3 }), 'c');
    expect(preempt(fixture, urgent(fixture, { cpu: '4' }))).toMatchObject({ victims: ['c1'], node: 'c' });
  });

  it('spares what a disruption budget protects, as long as there is another way', () => {
    const fixture = new Fixture([makeNode('a'), makeNode('b')]);
    fixture.place(makePod('guarded', { cpu: '4', priority: 1 }), 'a');
    fixture.place(makePod('free', { cpu: '4', priority: 50 }), 'b');
    const budgets: BudgetCheck = (pods) => new Set(pods.filter(({ pod }) => pod.metadata.name === 'guarded'));
    expect(preempt(fixture, urgent(fixture), budgets)).toMatchObject({ victims: ['free'], node: 'b' });
    fixture.cache.removeNode('b');
    expect(preempt(fixture, urgent(fixture), budgets)).toMatchObject({ victims: ['guarded'], node: 'a' });
  });

  it('removes a pod that refuses it, where that is what stands in the way', () => {
    const fixture = new Fixture([makeNode('a')]);
    const refusal = { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'kubernetes.io/hostname' };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [refusal] } };
    fixture.place(makePod('lonely', { affinity }), 'a');
    fixture.place(makePod('other'), 'a');
    expect(preempt(fixture, urgent(fixture, { labels: { app: 'web' } }))).toMatchObject({
      victims: ['lonely'],
      node: 'a',
    });
  });

  it('does not preempt when told never to', () => {
    const fixture = new Fixture([makeNode('a')]);
    fixture.place(makePod('low', { cpu: '4' }), 'a');
    const { result, victims } = preempt(fixture, urgent(fixture, { preemptionPolicy: 'Never' }));
    expect(victims).toEqual([]);
    expect(result.message).toBe('not eligible due to preemptionPolicy=Never.');
  });

  it('keeps the room it made from pods of lower priority', () => {
    const fixture = new Fixture([makeNode('a')]);
    const info = urgent(fixture, { cpu: '4' });
    fixture.nominator.nominate(info, 'a');
    expect(fixture.choose(makePod('low', { cpu: '1', priority: 1 }))).toContain('Insufficient cpu');
    expect(fixture.choose(makePod('higher', { cpu: '1', priority: 200 }))).toBe('a');
    expect(fixture.algorithm.schedule(info).node?.name).toBe('a');
  });
});

describe('disruption budgets', () => {
  it('are used up pod by pod', () => {
    const store = new Store<PodDisruptionBudget>();
    store.put('default/b', {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'db' } } },
      status: { disruptionsAllowed: 1 },
    });
    const check = createBudgetCheck({ lister: store });
    const fixture = new Fixture([]);
    const pods = ['p', 'q', 'r'].map((name) =>
      fixture.info(makePod(name, { labels: { app: name === 'q' ? 'web' : 'db' } })),
    );
    expect([...check(pods)].map(({ pod }) => pod.metadata.name)).toEqual(['r']);
  });
});
