import type { PodAffinityTerm } from '#libs/client';
import { describe, expect, it } from 'vitest';
import { CycleState } from '../framework/cycle-state.js';
import { Fixture } from '../testing/fixture.js';
import { makeNode, makePod } from '../testing/objects.js';

const zone = 'topology.kubernetes.io/zone';
const inZone = (name: string, value: string) => makeNode(name, { labels: { [zone]: value } });
const term = (app: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  labelSelector: { matchLabels: { app } },
  topologyKey: zone,
  ...more,
});
const near = (...terms: PodAffinityTerm[]) => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const far = (...terms: PodAffinityTerm[]) => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});

describe('required affinity between pods', () => {
  const nodes = [inZone('a', 'x'), inZone('b', 'y'), inZone('c', 'y')];

  it('places a pod only in a domain that has what it wants', () => {
    const fixture = new Fixture(nodes);
    const pod = makePod('web', { affinity: near(term('cache')) });
    expect(fixture.choose(pod)).toBe("0/3 nodes are available: 3 node(s) didn't match pod affinity rules.");
    fixture.place(makePod('cache', { labels: { app: 'cache' } }), 'a');
    expect(fixture.choose(pod)).toBe('a');
  });

  it('wants one pod that matches all its terms, not one for each', () => {
    const fixture = new Fixture([inZone('a', 'x')]);
    const other: PodAffinityTerm = { labelSelector: { matchLabels: { tier: '1' } }, topologyKey: zone };
    fixture.place(makePod('c', { labels: { app: 'cache' } }), 'a');
    fixture.place(makePod('t', { labels: { tier: '1' } }), 'a');
    const pod = makePod('web', { affinity: near(term('cache'), other) });
    expect(fixture.choose(pod)).toContain("didn't match pod affinity rules");
    fixture.place(makePod('both', { labels: { app: 'cache', tier: '1' } }), 'a');
    expect(fixture.choose(pod)).toBe('a');
  });

  it('lets the first of a group in that wants its own kind, and only beside it the next', () => {
    const fixture = new Fixture(nodes);
    const member = (name: string) =>
      makePod(name, { labels: { app: 'group' }, affinity: near(term('group')) });
    const first = fixture.schedule(member('m0'));
    const same = first === 'a' ? ['a'] : ['b', 'c'];
    for (const name of ['m1', 'm2', 'm3']) expect(same).toContain(fixture.schedule(member(name)));
  });

  it('looks into the namespaces that the term names or selects by label', () => {
    const fixture = new Fixture(nodes);
    fixture.place(makePod('cache', { labels: { app: 'cache' }, namespace: 'data' }), 'a');
    const choose = (more: Partial<PodAffinityTerm>) =>
      fixture.choose(makePod('web', { affinity: near(term('cache', more)) }));
    const selected = { namespaceSelector: { matchLabels: { kind: 'data' } } };
    expect(choose({})).toContain("didn't match pod affinity rules");
    expect(choose({ namespaces: ['data'] })).toBe('a');
    expect(choose({ namespaceSelector: {} })).toBe('a');
    expect(choose(selected)).toContain("didn't match pod affinity rules");
    fixture.labelNamespace('data', { kind: 'data' });
    fixture.cache.changed++;
    expect(choose(selected)).toBe('a');
  });
});

describe('required anti-affinity between pods', () => {
  it('keeps pods of a group apart, and takes a place again that became free', () => {
    const fixture = new Fixture([makeNode('a'), makeNode('b')]);
    const hostname = { topologyKey: 'kubernetes.io/hostname' };
    const member = (name: string) =>
      makePod(name, { labels: { app: 'db' }, affinity: far(term('db', hostname)) });
    const first = fixture.place(member('m0'), 'a');
    expect(fixture.schedule(member('m1'))).toBe('b');
    expect(fixture.schedule(member('m2'))).toBe(
      "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.",
    );
    fixture.cache.removePod(first.metadata.uid ?? '');
    expect(fixture.schedule(member('m3'))).toBe('a');
  });

  it('keeps away from pods that refuse it, though it has no rule of its own', () => {
    const fixture = new Fixture([inZone('a', 'x')]);
    fixture.place(makePod('lonely', { affinity: far(term('web')) }), 'a');
    expect(fixture.choose(makePod('web', { labels: { app: 'web' } }))).toBe(
      "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    );
    expect(fixture.choose(makePod('other', { labels: { app: 'other' } }))).toBe('a');
  });

  it('follows a node that moves to another zone, with the pods on it', () => {
    const fixture = new Fixture([inZone('a', 'x'), inZone('b', 'y')]);
    fixture.place(makePod('lonely', { affinity: far(term('web')) }), 'a');
    const web = makePod('web', { labels: { app: 'web' } });
    expect(fixture.choose(web)).toBe('b');
    fixture.cache.setNode(inZone('a', 'y'));
    expect(fixture.choose(web)).toContain("didn't satisfy existing pods anti-affinity rules");
  });
});

describe('preferred affinity between pods', () => {
  const nodes = [inZone('a', 'x'), inZone('b', 'y'), inZone('c', 'z')];
  const scores = (fixture: Fixture, pod = makePod('web', { labels: { app: 'web' } })) =>
    fixture.scores('InterPodAffinity', pod, new CycleState());

  it('weighs what the pod likes and dislikes', () => {
    const fixture = new Fixture(nodes);
    fixture.place(makePod('cache', { labels: { app: 'cache' } }), 'a');
    fixture.place(makePod('noisy', { labels: { app: 'noisy' } }), 'b');
    const affinity = {
      podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: term('cache') }],
      },
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: term('noisy') }],
      },
    };
    expect(scores(fixture, makePod('web', { affinity }))).toEqual({ a: 100, b: 0, c: 50 });
  });

  it('weighs what pods that run already like, required terms by one', () => {
    const fixture = new Fixture(nodes);
    fixture.place(makePod('fan', { labels: { app: 'web' }, affinity: near(term('web')) }), 'a');
    expect(scores(fixture)).toEqual({ a: 100, b: 0, c: 0 });
    expect(scores(fixture, makePod('other'))).toBeUndefined();
  });
});
