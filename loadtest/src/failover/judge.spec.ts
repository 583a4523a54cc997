import { describe, expect, it } from 'vitest';
import { judge } from './judge.js';
import { Observations } from './observers.js';
import { Timeline } from './pulse.js';

/** Two writes by one writer, acknowledged, seen by one watcher. */
function seen(change: (observations: Observations) => void = () => {}): Observations {
  const observations = new Observations(new Timeline(0, 1));
  observations.attempts.push(
    { writer: 'w0', sequence: 0, outcome: 'ok' },
    { writer: 'w0', sequence: 1, outcome: 'ok' },
  );
  observations.streams.push({
    name: 'watcher-0',
    prefix: 'x-',
    after: 0,
    items: [
      { kind: 'event', key: 'x-w0-0', value: '0', revision: 2, batch: 1 },
      { kind: 'event', key: 'x-w0-1', value: '1', revision: 3, batch: 2 },
    ],
  });
  change(observations);
  return observations;
}
const standing = ['x-w0-0', 'x-w0-1', 'x-r-0', 'x-end'];

describe('the judgement of a history', () => {
  it('finds nothing wrong in a right one', () => {
    expect(judge(seen(), 'x-', standing)).toMatchObject({
      acknowledged: 2,
      lost: 0,
      doubled: 0,
      phantom: 0,
      watchFaults: 0,
      linearizable: 'yes',
      stories: [],
    });
  });

  it('tells an acknowledged write that is gone, and one that was never made', () => {
    const verdict = judge(seen(), 'x-', ['x-w0-0', 'x-w7-0']);
    expect(verdict).toMatchObject({ lost: 1, phantom: 1 });
    expect(verdict.stories).toContain('lost: write 1 of w0');
  });

  it('tells a write that took effect twice', () => {
    const twice = seen(({ streams }) => {
      const [stream] = streams;
      streams[0] = {
        ...stream!,
        items: [...stream!.items, { kind: 'event', key: 'x-w0-1', value: '1', revision: 4, batch: 3 }],
      };
    });
    expect(judge(twice, 'x-', standing).doubled).toBe(1);
  });

  it('tells a watch that has missed an event', () => {
    const missed = seen(({ streams }) => {
      streams.push({ ...streams[0]!, name: 'watcher-1', items: streams[0]!.items.slice(1) });
    });
    expect(judge(missed, 'x-', standing).watchFaults).toBeGreaterThan(0);
  });

  it('tells a stale read', () => {
    const stale = seen(({ operations }) => {
      const base = { client: 'a', key: 'x-r-0', outcome: 'ok' } as const;
      operations.push(
        { ...base, kind: 'put', value: 'old', invokedAt: 0, returnedAt: 1, result: { revision: 4 } },
        { ...base, kind: 'put', value: 'new', invokedAt: 2, returnedAt: 3, result: { revision: 5 } },
        { ...base, kind: 'get', invokedAt: 4, returnedAt: 5, result: { value: 'old', revision: 4 } },
      );
    });
    const verdict = judge(stale, 'x-', standing);
    expect(verdict.linearizable).toBe('no');
    expect(verdict.stories.length).toBeGreaterThan(0);
  });
});
