import { describe, expect, it } from 'vitest';
import { createFakeClock } from './clock.js';
import { runController } from './controller.js';
import { createRateLimiter } from './rate-limiter.js';
import { createWorkQueue } from './work-queue.js';

/** Promise.withResolvers, which Node 20 lacks. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe('work queue', () => {
  it('holds a key once however often it is added, in the order of first adding', async () => {
    const queue = createWorkQueue();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.length).toBe(3);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['a', 'b', 'c']);
  });

  it('never gives a key to two workers; one added while processed comes again after done', async () => {
    const queue = createWorkQueue();
    queue.add('a');
    expect(await queue.get()).toBe('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(await queue.get()).toBe('a');
    queue.done('a');
    expect(queue.length).toBe(0);
  });

  it('hands a key to a worker that waits', async () => {
    const queue = createWorkQueue();
    const taken = queue.get();
    queue.add('late');
    expect(await taken).toBe('late');
  });

  it('releases delayed keys at their time; the earlier of two times wins', () => {
    const clock = createFakeClock();
    const queue = createWorkQueue({ clock });
    queue.addAfter('slow', 500);
    queue.addAfter('slow', 100);
    queue.addAfter('slow', 900);
    queue.addAfter('other', 300);
    clock.advance(99);
    expect(queue.length).toBe(0);
    clock.advance(1);
    expect(queue.length).toBe(1);
    clock.advance(2_000);
    expect(queue.length).toBe(2);
    expect(queue.delayed).toBe(0);
  });

  it('releases a thousand delayed keys in order of their times', async () => {
    const clock = createFakeClock();
    const queue = createWorkQueue({ clock });
    for (let at = 1; at <= 1_000; at++) queue.addAfter(String((at * 7) % 1_009), (at * 7) % 1_009);
    clock.advance(2_000);
    const order: number[] = [];
    while (queue.length > 0) order.push(Number(await queue.get()));
    expect(order).toEqual(order.toSorted((left, right) => left - right));
    expect(order).toHaveLength(1_000);
  });

  it('doubles the delay of a failing key from 5 ms and starts over when forgotten', () => {
    const clock = createFakeClock();
    const queue = createWorkQueue({ clock });
    const delays: number[] = [];
    for (let failure = 0; failure < 4; failure++) {
      const startMs = clock.now();
      queue.addRateLimited('a');
      while (queue.length === 0) clock.advance(1);
      delays.push(clock.now() - startMs);
      void queue.get();
      queue.done('a');
    }
    expect(delays).toEqual([5, 10, 20, 40]);
    expect(queue.failures('a')).toBe(4);
    queue.forget('a');
    expect(queue.failures('a')).toBe(0);
  });

  it('holds all keys together to the overall rate once the burst is spent', () => {
    const limiter = createRateLimiter({ qps: 10, burst: 2, now: () => 0 });
    expect([limiter.when('a'), limiter.when('b'), limiter.when('c'), limiter.when('d')]).toEqual([
      5, 5, 100, 200,
    ]);
  });

  it('never delays beyond 1000 s, however often a key fails', () => {
    const limiter = createRateLimiter({ burst: 10_000, now: () => 0 });
    for (let failure = 0; failure < 100; failure++) limiter.when('a');
    expect(limiter.when('a')).toBe(1_000_000);
  });

  it('ends waiting workers on shutdown and takes nothing more', async () => {
    const clock = createFakeClock();
    const queue = createWorkQueue({ clock });
    const waiting = queue.get();
    queue.addAfter('later', 10);
    queue.shutDown();
    expect(await waiting).toBeUndefined();
    queue.add('a');
    clock.advance(100);
    expect(queue.length).toBe(0);
    expect(await queue.get()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('reports adds, depth, waiting, working and retries', async () => {
    const clock = createFakeClock();
    const seen: string[] = [];
    const queue = createWorkQueue({
      clock,
      metrics: {
        added: () => seen.push('add'),
        depth: (length) => seen.push(`depth ${length}`),
        queueDuration: (seconds) => seen.push(`waited ${seconds}`),
        workDuration: (seconds) => seen.push(`worked ${seconds}`),
        retried: () => seen.push('retry'),
      },
    });
    queue.add('a');
    queue.add('a');
    clock.advance(2_000);
    await queue.get();
    clock.advance(500);
    queue.addRateLimited('a');
    queue.done('a');
    expect(seen).toEqual(['add', 'depth 1', 'waited 2', 'depth 0', 'retry', 'worked 0.5']);
  });
});

describe('runController', () => {
  it('tries a failing key again, forgets it on success, and comes back when asked to', async () => {
    const clock = createFakeClock();
    const queue = createWorkQueue({ clock });
    const stop = new AbortController();
    const errors: string[] = [];
    let calls = 0;
    let reached = deferred<void>();
    const running = runController({
      name: 'test',
      queue,
      signal: stop.signal,
      onError: (error) => errors.push(String(error)),
      reconcile: async () => {
        calls++;
        reached.resolve();
        if (calls === 1) throw new Error('not yet');
        return calls === 2 ? { requeueAfterMs: 1_000 } : undefined;
      },
    });
    const settled = async (): Promise<void> => {
      await reached.promise;
      reached = deferred<void>();
      while (queue.processing > 0) await Promise.resolve();
    };
    queue.add('a');
    await settled();
    expect(errors).toEqual(['Error: not yet']);
    clock.advance(5);
    await settled();
    expect(queue.failures('a')).toBe(0);
    clock.advance(1_000);
    await settled();
    expect(calls).toBe(3);
    stop.abort();
    await running;
  });

  it('lets the reconcile under way see the abort and waits for its end', async () => {
    const queue = createWorkQueue();
    const stop = new AbortController();
    const entered = deferred<void>();
    let ended = false;
    const running = runController({
      name: 'test',
      queue,
      workers: 2,
      signal: stop.signal,
      reconcile: (_key, signal) =>
        new Promise((_resolve, reject) => {
          entered.resolve();
          signal.addEventListener('abort', () => {
            ended = true;
            reject(new Error('aborted'));
          });
        }),
    });
    queue.add('a');
    await entered.promise;
    stop.abort();
    await running;
    expect(ended).toBe(true);
  });
});
