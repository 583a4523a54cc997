import type { TopologySpreadConstraint } from '#libs/client';
import { describe, expect, it } from 'vitest';
import { CycleState } from '../framework/cycle-state.js';
import { Fixture } from '../testing/fixture.js';
import { makeNode, makePod } from '../testing/objects.js';

const zone = 'topology.kubernetes.io/zone';
const inZone = (name: string, value: string) => makeNode(name, { labels: { [zone]: value } });
const constraint = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({
  maxSkew: 1,
  topologyKey: zone,
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: { matchLabels: { app: 'web' } },
  ...more,
});
const web = (name: string, ...topologySpreadConstraints: TopologySpreadConstraint[]) =>
  makePod(name, { labels: { app: 'web' }, topologySpreadConstraints });

describe('hard topology spreading', () => {
  it('keeps the skew between domains within bounds', () => {
    const fixture = new Fixture([inZone('a', 'x'), inZone('b', 'y')]);
    const counts: Record<string, number> = { a: 0, b: 0 };
    for (let index = 0; index < 6; index++) {
      const chosen = fixture.schedule(web(`w${index}`, constraint()));
      counts[chosen]!++;
      expect(Math.abs(counts['a']! - counts['b']!)).toBeLessThanOrEqual(1);
    }
    expect(counts).toEqual({ a: 3, b: 3 });
  });

  it('refuses where the domain with least room is full, and where the label is missing', () => {
    const fixture = new Fixture([inZone('a', 'x'), inZone('b', 'y'), makeNode('c')]);
    fixture.place(makePod('full', { cpu: '4' }), 'b');
    fixture.place(web('w0'), 'a');
    expect(
      fixture.choose(
        makePod('w1', {
          ...web('w1', constraint()).spec,
          labels: { app: 'web' },
          containers: makePod('x', { cpu: '1' }).spec.containers,
        }),
      ),
    ).toBe(
      "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label).",
    );
  });

  it('counts neither other namespaces nor pods that are being deleted', () => {
    const fixture = new Fixture([inZone('a', 'x'), inZone('b', 'y')]);
    fixture.place(makePod('o', { labels: { app: 'web' }, namespace: 'other' }), 'a');
    fixture.place(makePod('t', { labels: { app: 'web' }, deletionTimestamp: '2026-01-01T00:00:00Z' }), 'a');
    fixture.place(makePod('big', { cpu: '1' }), 'b');
    expect(fixture.choose(web('w', constraint()))).toBe('a');
  });

  it('takes the least count as zero while there are fewer domains than asked for', () => {
    const fixture = new Fixture([inZone('a', 'x')]);
    expect(fixture.schedule(web('w0', constraint({ minDomains: 2 })))).toBe('a');
    expect(fixture.schedule(web('w1', constraint({ minDomains: 2 })))).toContain(
      'topology spread constraints',
    );
    fixture.cache.setNode(inZone('b', 'y'));
    expect(fixture.schedule(web('w2', constraint({ minDomains: 2 })))).toBe('b');
  });

  it('leaves out domains that the pod could not be in, by its affinity; by taints only if told so', () => {
    const taints = [{ key: 'k', effect: 'NoSchedule' as const }];
    const nodes = [inZone('a', 'x'), makeNode('b', { labels: { [zone]: 'y' }, taints })];
    const honor = constraint({ nodeTaintsPolicy: 'Honor' });
    const ignoring = new Fixture(nodes);
    ignoring.place(web('w0'), 'a');
    expect(ignoring.choose(web('w1', constraint()))).toContain('topology spread constraints');
    expect(ignoring.choose(web('w2', honor))).toBe('a');
    const selecting = makePod('w3', {
      labels: { app: 'web' },
      topologySpreadConstraints: [constraint()],
      nodeSelector: { [zone]: 'x' },
    });
    expect(ignoring.choose(selecting)).toBe('a');
  });
});

describe('soft topology spreading', () => {
  const nodes = [inZone('a', 'x'), inZone('b', 'x'), inZone('c', 'y')];
  const scores = (fixture: Fixture, pod: ReturnType<typeof makePod>) =>
    fixture.scores('PodTopologySpread', pod, new CycleState());

  it('prefers domains with fewer', () => {
    const fixture = new Fixture(nodes);
    fixture.place(web('w0'), 'a');
    const soft = constraint({ whenUnsatisfiable: 'ScheduleAnyway' });
    expect(scores(fixture, web('w1', soft))).toEqual({ a: 0, b: 0, c: 100 });
  });

  it('spreads pods of a Service or workload by host and zone though they do not ask for it', () => {
    const fixture = new Fixture(nodes);
    fixture.place(web('w0'), 'a');
    expect(scores(fixture, web('w1'))).toBeUndefined();
    fixture.selectWorkload({ matchLabels: { app: 'web' } });
    const chosen = scores(fixture, web('w1'));
    expect(chosen?.['c']).toBe(100);
    expect(chosen?.['b']).toBeLessThan(100);
    expect(chosen?.['a']).toBeLessThan(chosen?.['b'] ?? 0);
  });
});
