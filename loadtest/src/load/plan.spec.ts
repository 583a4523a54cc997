import { describe, expect, it } from 'vitest';
import { faultOf, requestAt, scenarioNames } from './plan.js';
import { scenarios } from './scenarios.js';

describe('the definition of work', () => {
  it('creates pods that differ in name alone, each name once', () => {
    const work = scenarios.create.work('ns', 0);
    const names = [0, 1, 41].map((n) => {
      const { path, body } = requestAt(work, n);
      expect(path).toBe('/api/v1/namespaces/ns/pods');
      return (JSON.parse(body ?? '') as { metadata: { name: string } }).metadata.name;
    });
    expect(names).toEqual(['load-0', 'load-1', 'load-41']);
  });

  it.each([1, 20, 1_000])('reads each of %i pods once before any a second time', (pods) => {
    const work = scenarios.read.work('ns', pods);
    const paths = new Set(Array.from({ length: pods }, (_, n) => requestAt(work, n).path));
    expect(paths.size).toBe(pods);
    expect(paths).toContain(`/api/v1/namespaces/ns/pods/pod-${pods - 1}`);
  });

  it('lists all pods in one page', () => {
    expect(requestAt(scenarios.list.work('ns', 500), 7).path).toBe('/api/v1/namespaces/ns/pods?limit=500');
  });

  it('leaves no placeholder in any request', () => {
    for (const name of scenarioNames) {
      expect(JSON.stringify(requestAt(scenarios[name].work('ns', 10), 3))).not.toContain('{n}');
    }
  });

  it('takes a refused request for an error, with what the server said', () => {
    const work = scenarios.create.work('ns', 0);
    expect(faultOf(work, 201, '')).toBeUndefined();
    expect(faultOf(work, 403, 'pods is forbidden')).toBe(
      'POST /api/v1/namespaces/ns/pods: 403 pods is forbidden',
    );
  });

  it('takes a watch that missed events for an error', () => {
    const work = scenarios.watch.work('ns', 3);
    expect(faultOf(work, 200, '{}\n{}\n{}\n')).toBeUndefined();
    expect(faultOf(work, 200, '{}\n{}\n')).toContain('2 events, at least 3 are wanted');
  });
});
