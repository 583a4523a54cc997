import { describe, expect, it } from 'vitest';
import {
  dueAtMs,
  faultOf,
  type Group,
  isReached,
  iterationsDue,
  operationAt,
  requestOf,
  type ScenarioName,
  scenarioNames,
} from './plan.js';
import { scenarios } from './scenarios/index.js';

function groupsOf(name: ScenarioName, items = 10): readonly Group[] {
  return scenarios[name].groups({ namespace: 'ns', clients: 4, rate: null, items });
}
const groupOf = (name: ScenarioName, items = 10): Group => groupsOf(name, items)[0] as Group;
const firstStep = (group: Group, n = 0) => operationAt(group, n).steps[0]!;
const first = (group: Group, n: number) => requestOf(group, firstStep(group, n), n, 0, 0);

describe('the definition of work', () => {
  it('creates pods that differ in name alone, each name once', () => {
    const group = groupOf('create');
    const names = [0, 1, 41].map((n) => {
      const { path, body } = first(group, n);
      expect(path).toBe('/api/v1/namespaces/ns/pods');
      return (JSON.parse(body ?? '') as { metadata: { name: string } }).metadata.name;
    });
    expect(names).toEqual(['load-0', 'load-1', 'load-41']);
  });

  it.each([1, 20, 1_000])('reads each of %i pods once before any a second time', (pods) => {
    const group = groupOf('read', pods);
    const paths = new Set(Array.from({ length: pods }, (_, n) => first(group, n).path));
    expect(paths.size).toBe(pods);
    expect(paths).toContain(`/api/v1/namespaces/ns/pods/pod-${pods - 1}`);
  });

  it('mixes operations in exact proportion, each over all items', () => {
    const group = groupOf('mixed', 100);
    const counts = new Map<string, number>();
    const read = new Set<string>();
    for (let n = 0; n < 10_000; n++) {
      const { name } = firstStep(group, n);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (name === 'get') read.add(first(group, n).path);
    }
    expect(Object.fromEntries(counts)).toEqual({ get: 7_000, list: 500, patch: 1_500, create: 1_000 });
    expect(read.size).toBe(100);
  });

  it('gives every client a Deployment of its own to roll', () => {
    const group = groupOf('rolling-update');
    const paths = [0, 1, 2].map((client) => requestOf(group, firstStep(group), 0, client, 0).path);
    expect(paths.map((path) => path.split('/').at(-1))).toEqual(['web-0', 'web-1', 'web-2']);
  });

  it('writes the time as a MicroTime where a Lease wants one', () => {
    const group = groupOf('heartbeats');
    const { body } = requestOf(group, firstStep(group), 0, 0, Date.UTC(2026, 0, 2, 3, 4, 5, 6));
    expect(JSON.parse(body ?? '')).toEqual({ spec: { renewTime: '2026-01-02T03:04:05.006000Z' } });
  });

  it('leaves no placeholder in any request', () => {
    for (const name of scenarioNames) {
      for (const group of groupsOf(name)) {
        for (const step of group.operations.flatMap(({ steps }) => steps)) {
          expect(JSON.stringify(requestOf(group, step, 3, 1, 0)), name).not.toMatch(/\{(n|i|c|ms|micro)\}/);
        }
      }
    }
  });
});

describe('what is a good answer', () => {
  it('takes a refused request for an error, with what the server said', () => {
    const step = firstStep(groupOf('create'));
    expect(faultOf(step, 201, '')).toBeUndefined();
    expect(faultOf(step, 403, 'pods is forbidden')).toBe(
      'POST /api/v1/namespaces/ns/pods: 403 pods is forbidden',
    );
  });

  it('takes a watch that missed events for an error', () => {
    const step = firstStep(groupOf('watch', 3));
    expect(faultOf(step, 200, '{}\n{}\n{}\n')).toBeUndefined();
    expect(faultOf(step, 200, '{}\n{}\n')).toContain('2 events, at least 3 are wanted');
  });

  it('waits for a Deployment until the newest template runs in all of its pods and in no other', () => {
    const step = operationAt(groupOf('rolling-update'), 0).steps.at(-1)!;
    const whole = {
      observedGeneration: 2,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
    };
    const reached = (status: object): boolean =>
      isReached(step, JSON.stringify({ metadata: { generation: 2 }, spec: { replicas: 3 }, status }));
    expect(reached(whole)).toBe(true);
    expect(reached({ ...whole, observedGeneration: 1 })).toBe(false);
    expect(reached({ ...whole, replicas: 4 })).toBe(false);
    expect(reached({ ...whole, readyReplicas: 2 })).toBe(false);
    expect(reached({})).toBe(false);
  });
});

describe('an open model', () => {
  it('has iterations due at even distances', () => {
    const rate = { from: 100, to: 100 };
    expect([0, 1, 50].map((n) => dueAtMs(rate, 2, n))).toEqual([0, 10, 500]);
    expect(iterationsDue(rate, 2)).toBe(200);
  });

  it.each([
    { from: 0, to: 100 },
    { from: 100, to: 20 },
    { from: 10, to: 1_000 },
  ])('follows a straight line: %j', (rate) => {
    const seconds = 10;
    const total = iterationsDue(rate, seconds);
    const due = Array.from({ length: total }, (_, n) => dueAtMs(rate, seconds, n));
    expect(due.toSorted((a, b) => a - b)).toEqual(due);
    expect(due.at(-1)).toBeLessThanOrEqual(seconds * 1_000);
    const half = due.filter((at) => at < (seconds * 1_000) / 2).length;
    // The area below the line until half of the time.
    expect(half).toBeCloseTo((rate.from + (rate.to - rate.from) / 4) * (seconds / 2), -1);
  });
});
