import { systemClock, type Clock } from './clock.js';
import { createRateLimiter, type RateLimiter } from './rate-limiter.js';

/** What a queue tells its observer; names after Kubernetes' workqueue_* metrics. */
export interface WorkQueueMetrics {
  /** A key was added that was not waiting already. */
  added(): void;
  depth(length: number): void;
  /** Seconds that a key waited before a worker took it. */
  queueDuration(seconds: number): void;
  /** Seconds from taken to done. */
  workDuration(seconds: number): void;
  retried(): void;
}

export interface WorkQueueOptions {
  readonly clock?: Clock;
  readonly rateLimiter?: RateLimiter;
  readonly metrics?: WorkQueueMetrics;
}

/**
 * Keys to reconcile, as client-go's workqueue: a key waits at most once however often it is added; a key is never
 * with two workers at once (added while processed, it waits until done); so the queue is bounded by the number of
 * objects.
 */
export interface WorkQueue {
  add(key: string): void;
  /** Adds after a delay; where the key waits already for a later time, the earlier one wins. */
  addAfter(key: string, delayMs: number): void;
  addRateLimited(key: string): void;
  /** Forgets the key's failures, after it succeeded. */
  forget(key: string): void;
  failures(key: string): number;
  /** The next key, undefined once the queue is shut down. Call `done` with it. */
  get(): Promise<string | undefined>;
  done(key: string): void;
  /** Keys that wait now, delayed ones left out. */
  readonly length: number;
  /** Keys taken and not done. */
  readonly processing: number;
  /** Keys that wait for their time. */
  readonly delayed: number;
  shutDown(): void;
  readonly isShutDown: boolean;
}

export function createWorkQueue(options: WorkQueueOptions = {}): WorkQueue {
  return new KeyQueue(options);
}

interface Delay {
  readonly key: string;
  readonly dueMs: number;
}

class KeyQueue implements WorkQueue {
  readonly #clock: Clock;
  readonly #rateLimiter: RateLimiter;
  readonly #metrics: WorkQueueMetrics | undefined;
  /** Waiting keys in order; those before `#head` are gone. */
  #order: string[] = [];
  #head = 0;
  /** Keys that need work, waiting or added again while processed, and since when. */
  readonly #dirty = new Map<string, number>();
  readonly #active = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #heap: Delay[] = [];
  readonly #dueMs = new Map<string, number>();
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined;
  #isShutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock ?? systemClock;
    const clock = this.#clock;
    this.#rateLimiter = options.rateLimiter ?? createRateLimiter({ now: () => clock.now() });
    this.#metrics = options.metrics;
  }

  get length(): number {
    return this.#order.length - this.#head;
  }
  get processing(): number {
    return this.#active.size;
  }
  get delayed(): number {
    return this.#dueMs.size;
  }
  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  add(key: string): void {
    if (this.#isShutDown || this.#dirty.has(key)) return;
    this.#dirty.set(key, this.#clock.now());
    this.#metrics?.added();
    if (!this.#active.has(key)) this.#push(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#isShutDown) return;
    if (delayMs <= 0) return this.add(key);
    const dueMs = this.#clock.now() + delayMs;
    const known = this.#dueMs.get(key);
    if (known !== undefined && known <= dueMs) return;
    this.#dueMs.set(key, dueMs);
    heapPush(this.#heap, { key, dueMs });
    this.#armTimer();
  }

  addRateLimited(key: string): void {
    if (this.#isShutDown) return;
    this.#metrics?.retried();
    this.addAfter(key, this.#rateLimiter.when(key));
  }

  forget(key: string): void {
    this.#rateLimiter.forget(key);
  }

  failures(key: string): number {
    return this.#rateLimiter.failures(key);
  }

  get(): Promise<string | undefined> {
    if (this.#isShutDown) return Promise.resolve(undefined);
    const key = this.#order[this.#head];
    if (key === undefined) return new Promise((resolve) => this.#takers.push(resolve));
    this.#head++;
    // Cut off the consumed part once it is the larger one: amortised O(1).
    if (this.#head > 64 && this.#head * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#head);
      this.#head = 0;
    }
    this.#take(key);
    return Promise.resolve(key);
  }

  done(key: string): void {
    const startedMs = this.#active.get(key);
    if (startedMs === undefined) return;
    this.#active.delete(key);
    this.#metrics?.workDuration((this.#clock.now() - startedMs) / 1_000);
    if (this.#dirty.has(key) && !this.#isShutDown) this.#push(key);
  }

  shutDown(): void {
    if (this.#isShutDown) return;
    this.#isShutDown = true;
    this.#timer?.cancel();
    this.#order = [];
    this.#head = 0;
    this.#heap.length = 0;
    this.#dueMs.clear();
    this.#dirty.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #push(key: string): void {
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#order.push(key);
      this.#metrics?.depth(this.length);
      return;
    }
    this.#take(key);
    taker(key);
  }

  #take(key: string): void {
    const nowMs = this.#clock.now();
    this.#metrics?.queueDuration((nowMs - (this.#dirty.get(key) ?? nowMs)) / 1_000);
    this.#metrics?.depth(this.length);
    this.#dirty.delete(key);
    this.#active.set(key, nowMs);
  }

  #armTimer(): void {
    const first = this.#heap[0];
    if (first === undefined || (this.#timer !== undefined && this.#timer.dueMs <= first.dueMs)) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(first.dueMs - this.#clock.now(), () => this.#release());
    this.#timer = { dueMs: first.dueMs, cancel };
  }

  #release(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs; first = this.#heap[0]) {
      heapPop(this.#heap);
      // An entry that an earlier time replaced is stale.
      if (this.#dueMs.get(first.key) !== first.dueMs) continue;
      this.#dueMs.delete(first.key);
      this.add(first.key);
    }
    this.#armTimer();
  }
}

function heapPush(heap: Delay[], item: Delay): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || above.dueMs <= item.dueMs) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = item;
}

function heapPop(heap: Delay[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const left = heap[child];
    if (left === undefined) break;
    const right = heap[child + 1];
    let least = left;
    if (right !== undefined && right.dueMs < left.dueMs) {
      child++;
      least = right;
    }
    if (least.dueMs >= last.dueMs) break;
    heap[at] = least;
    at = child;
  }
  heap[at] = last;
}
