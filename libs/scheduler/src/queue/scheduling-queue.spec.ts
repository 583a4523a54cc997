import { createFakeClock } from '#libs/client';
import { beforeEach, describe, expect, it } from 'vitest';
import { SchedulerCache } from '../cache/cache.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { Plugin } from '../framework/plugin.js';
import { prioritySort } from '../plugins/priority-sort.js';
import { schedulingGates } from '../plugins/scheduling-gates.js';
import { makeNode, makePod, type PodParts } from '../testing/objects.js';
import { SchedulingQueue } from './scheduling-queue.js';

const picky: Plugin = {
  name: 'Picky',
  events: [
    {
      type: 'NodeAdd',
      helps: (pod, event) => event.type === 'NodeAdd' && pod.key === `default/${event.node.metadata.name}`,
    },
  ],
};

describe('the scheduling queue', () => {
  const clock = createFakeClock();
  let cache: SchedulerCache;
  let queue: SchedulingQueue;
  let ready: number;

  beforeEach(() => {
    cache = new SchedulerCache();
    ready = 0;
    queue = new SchedulingQueue({
      clock,
      queueSort: prioritySort,
      preEnqueue: (pod) => schedulingGates.preEnqueue(pod),
      plugins: [picky, schedulingGates],
      onReady: () => ready++,
      onReleased: (pod) => cache.shapes.release(pod),
    });
    return () => queue.close();
  });

  const info = (name: string, parts?: PodParts): PodInfo => cache.shapes.infoOf(makePod(name, parts));
  const popName = (): string | undefined => queue.pop()?.info.key;
  const refuse = (name: string, plugin = 'Picky'): void => {
    queue.add(info(name));
    queue.refuse(queue.pop()!, new Set([plugin]));
  };

  it('gives higher priority first, and of equal ones who came first', () => {
    queue.add(info('low-1'));
    queue.add(info('low-2'));
    queue.add(info('high', { priority: 10 }));
    expect([popName(), popName(), popName(), popName()]).toEqual([
      'default/high',
      'default/low-1',
      'default/low-2',
      undefined,
    ]);
  });

  it('keeps the order of priorities whatever comes and goes between', () => {
    const priorities = Array.from({ length: 200 }, (_, index) => (index * 7_919) % 101);
    const infos = priorities.map((priority, index) => info(`p${index}`, { priority }));
    for (const each of infos) queue.add(each);
    for (const [index, each] of infos.entries()) if (index % 3 === 0) queue.delete(each.uid);
    const popped: number[] = [];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) popped.push(next.info.priority);
    const expected = priorities.filter((_, index) => index % 3 !== 0).sort((a, b) => b - a);
    expect(popped).toEqual(expected);
  });

  it('wakes a refused pod only for an event that its plugin says will help it', () => {
    refuse('a');
    refuse('b');
    clock.advance(2_000);
    queue.notify({ type: 'NodeAdd', node: makeNode('b') });
    expect(popName()).toBe('default/b');
    expect(queue.counts()).toMatchObject({ active: 0, unschedulable: 1 });
    queue.notify({ type: 'NodeDelete', node: makeNode('a') });
    expect(popName()).toBeUndefined();
  });

  it('lets a woken pod wait out its backoff: 1 s, doubling to 10 s', () => {
    queue.add(info('a'));
    for (const delayMs of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      queue.refuse(queue.pop()!, new Set(['Picky']));
      queue.notify({ type: 'NodeAdd', node: makeNode('a') });
      expect(queue.counts()).toMatchObject({ active: 0, backoff: 1 });
      clock.advance(delayMs - 1);
      expect(queue.activeCount).toBe(0);
      clock.advance(1);
      expect(queue.activeCount).toBe(1);
    }
  });

  it('tries a pod again by itself after a failure, and a refused one after five minutes without an event', () => {
    queue.add(info('failed'));
    queue.fail(queue.pop()!);
    clock.advance(1_000);
    expect(popName()).toBe('default/failed');
    refuse('refused', 'Unknown');
    clock.advance(4 * 60_000);
    expect(queue.activeCount).toBe(0);
    clock.advance(2 * 60_000);
    expect(popName()).toBe('default/refused');
  });

  it('keeps gated pods out until their gates are gone', () => {
    const pod = makePod('gated', { schedulingGates: [{ name: 'wait' }] });
    queue.add(cache.shapes.infoOf(pod));
    expect(queue.counts()).toMatchObject({ active: 0, gated: 1 });
    expect(ready).toBe(0);
    queue.update(cache.shapes.infoOf({ ...pod, spec: { ...pod.spec, schedulingGates: [] } }), true);
    expect(queue.counts()).toMatchObject({ active: 1, gated: 0 });
    expect(ready).toBe(1);
  });

  it('does not bring back a pod that was deleted while it was being scheduled', () => {
    const pod = info('a');
    queue.add(pod);
    const out = queue.pop()!;
    queue.delete(pod.uid);
    queue.fail(out);
    clock.advance(60_000);
    expect(queue.counts()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0 });
    expect(pod.shape.users).toBe(0);
  });

  it('schedules the newest state of a pod that changed while it was out', () => {
    const pod = makePod('a');
    queue.add(cache.shapes.infoOf(pod));
    const out = queue.pop()!;
    queue.update(cache.shapes.infoOf({ ...pod, metadata: { ...pod.metadata, labels: { x: 'y' } } }), true);
    queue.fail(out);
    clock.advance(1_000);
    expect(queue.pop()?.info.pod.metadata.labels).toEqual({ x: 'y' });
  });
});
