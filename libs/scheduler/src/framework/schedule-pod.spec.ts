import { describe, expect, it } from 'vitest';
import { Fixture } from '../testing/fixture.js';
import { makeNode, makePod } from '../testing/objects.js';
import { feasibleNodesToFind } from './schedule-pod.js';

describe('the search for a node', () => {
  it('looks for all nodes of a small cluster, and for a falling share of a large one', () => {
    expect([3, 99, 100, 1_000, 5_000, 20_000].map(feasibleNodesToFind)).toEqual([
      3, 99, 100, 420, 500, 1_000,
    ]);
  });

  it('starts each search where the last one ended, so that all nodes get pods', () => {
    const fixture = new Fixture(Array.from({ length: 400 }, (_, index) => makeNode(`n${index}`)));
    const used = new Set(
      Array.from({ length: 400 }, (_, index) => fixture.schedule(makePod(`p${index}`, { cpu: '1' }))),
    );
    expect(used.size).toBe(400);
  });

  it('says what is wrong in a cluster without nodes', () => {
    expect(new Fixture([]).choose(makePod('p'))).toBe('no nodes available to schedule pods');
  });

  it('searches once for all pods of a shape that fits nowhere, and again as soon as something is freed', () => {
    const fixture = new Fixture([makeNode('a')]);
    const blocker = fixture.place(makePod('blocker', { cpu: '4' }), 'a');
    const [first, second] = ['p', 'q'].map((name) => fixture.decide(makePod(name, { cpu: '1' })));
    expect(first).toMatchObject({ node: undefined });
    if (first?.node !== undefined || second?.node !== undefined) throw new Error('it fits');
    expect(second?.diagnosis).toBe(first?.diagnosis);
    fixture.cache.removePod(blocker.metadata.uid ?? '');
    expect(fixture.choose(makePod('r', { cpu: '1' }))).toBe('a');
  });
});

describe('the index of terms', () => {
  it('forgets what no pod asks about any more', () => {
    const fixture = new Fixture([makeNode('a')]);
    for (let index = 0; index < 2_000; index++) {
      const affinity = {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { n: String(index) } }, topologyKey: 'kubernetes.io/hostname' },
          ],
        },
      };
      const placed = fixture.place(makePod(`p${index}`, { labels: { n: String(index) }, affinity }), 'a');
      fixture.cache.removePod(placed.metadata.uid ?? '');
    }
    expect(fixture.cache.index.termCount).toBeLessThan(600);
    expect(fixture.cache.shapes.size).toBeLessThan(600);
  });
});
