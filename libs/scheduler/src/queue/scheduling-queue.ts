import type { Clock } from '#libs/client';
import type { PodInfo } from '../cache/pod-info.js';
import type { Plugin, QueueSortPlugin } from '../framework/plugin.js';
import type { Status } from '../framework/status.js';
import type { ClusterEvent, ClusterEventType, EventInterest } from './events.js';
import { Heap } from './heap.js';
import type { QueuedPod } from './queued-pod.js';

export interface QueueOptions {
  readonly clock: Clock;
  readonly queueSort: QueueSortPlugin;
  readonly preEnqueue: (pod: PodInfo) => Status | undefined;
  /** All plugins of the profile: whose events wake whom. */
  readonly plugins: readonly Plugin[];
  /** Something is in the active queue. */
  readonly onReady: () => void;
  /** A pod is given up by the queue: give its info back. */
  readonly onReleased: (pod: PodInfo) => void;
}

export interface QueueCounts {
  readonly active: number;
  readonly backoff: number;
  readonly unschedulable: number;
  readonly gated: number;
}

const backoff = { initialMs: 1_000, maxMs: 10_000 } as const;
/** A pod that no event woke for so long is tried again: hints may be wrong. */
const unschedulableMaxMs = 5 * 60_000;
const flushEveryMs = 30_000;

interface Interest extends EventInterest {
  readonly plugin: string;
}

/**
 * Pods that wait: *active* to be tried now, best first; *backoff* to be tried when their time comes; *unschedulable*
 * until an event that may help them; *gated* until their gates are gone. Every pod known is in one place.
 */
export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #active: Heap<QueuedPod>;
  readonly #backoff = new Heap<QueuedPod>((a, b) => a.backoffUntilMs < b.backoffUntilMs);
  readonly #pods = new Map<string, QueuedPod>();
  readonly #waiting = new Set<QueuedPod>();
  readonly #refusedBy = new Map<string, Set<QueuedPod>>();
  readonly #interests = new Map<ClusterEventType, Interest[]>();
  #gated = 0;
  #sequence = 0;
  #cancelBackoff: (() => void) | undefined;
  #backoffDueMs = Number.POSITIVE_INFINITY;
  #cancelFlush: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    const { less } = options.queueSort;
    this.#active = new Heap((a, b) => less(a, b) || (!less(b, a) && a.sequence < b.sequence));
    for (const plugin of options.plugins)
      for (const interest of plugin.events ?? []) this.#subscribe(plugin.name, interest);
  }

  counts(): QueueCounts {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size,
      unschedulable: this.#waiting.size,
      gated: this.#gated,
    };
  }

  get activeCount(): number {
    return this.#active.size;
  }

  get(uid: string): QueuedPod | undefined {
    return this.#pods.get(uid);
  }

  /** A pod that is to be scheduled, seen for the first time. */
  add(info: PodInfo): void {
    const nowMs = this.#options.clock.now();
    const queued: QueuedPod = {
      info,
      place: 'gone',
      heapIndex: -1,
      timestampMs: nowMs,
      firstSeenMs: nowMs,
      sequence: this.#sequence++,
      attempts: 0,
      failures: 0,
      backoffUntilMs: 0,
      refusedBy: new Set(),
    };
    this.#pods.set(info.uid, queued);
    this.#enqueue(queued);
  }

  /** A pod that waits was changed. `matters`: in what scheduling looks at, so that it is worth a try. */
  update(info: PodInfo, matters: boolean): void {
    const queued = this.#pods.get(info.uid);
    if (queued === undefined) return this.add(info);
    const previous = queued.info;
    const { place } = queued;
    if (place === 'out') {
      queued.info = info;
      this.#options.onReleased(previous);
      return;
    }
    this.#take(queued);
    queued.info = info;
    this.#options.onReleased(previous);
    if (place === 'unschedulable' && !matters) this.#wait(queued);
    else if (place === 'backoff' || place === 'unschedulable') this.#retry(queued);
    else this.#enqueue(queued);
  }

  delete(uid: string): void {
    const queued = this.#pods.get(uid);
    if (queued === undefined) return;
    const { place } = queued;
    this.#take(queued);
    this.#pods.delete(uid);
    queued.place = 'gone';
    if (place !== 'out') this.#options.onReleased(queued.info);
  }

  /** The pod to try next; it stays known, `out`, until `done`, `refuse` or `fail`. */
  pop(): QueuedPod | undefined {
    const queued = this.#active.pop();
    if (queued === undefined) return undefined;
    queued.place = 'out';
    queued.attempts++;
    return queued;
  }

  /** It was bound. */
  done(queued: QueuedPod): void {
    if (queued.place !== 'out') return this.#releaseGone(queued);
    this.#pods.delete(queued.info.uid);
    queued.place = 'gone';
    this.#options.onReleased(queued.info);
  }

  /** No node would do: it waits for an event that one of these plugins asked for. */
  refuse(queued: QueuedPod, plugins: ReadonlySet<string>): void {
    if (queued.place !== 'out') return this.#releaseGone(queued);
    queued.refusedBy = plugins;
    this.#penalize(queued);
    this.#wait(queued);
  }

  /** Something failed that is not the pod's fault: it is tried again after its backoff. */
  fail(queued: QueuedPod): void {
    if (queued.place !== 'out') return this.#releaseGone(queued);
    queued.refusedBy = new Set();
    this.#penalize(queued);
    this.#backOff(queued);
  }

  /** Wakes the pods that the event may help. */
  notify(event: ClusterEvent): void {
    for (const { plugin, helps } of this.#interests.get(event.type) ?? []) {
      const refused = this.#refusedBy.get(plugin);
      if (refused === undefined) continue;
      for (const queued of refused) {
        if (helps !== undefined && !helps(queued.info, event)) continue;
        this.#take(queued);
        this.#retry(queued);
      }
    }
  }

  /** Lets a pod that waits try again, whatever it waits for. */
  wake(uid: string): void {
    const queued = this.#pods.get(uid);
    if (queued?.place !== 'unschedulable') return;
    this.#take(queued);
    this.#retry(queued);
  }

  /** Ends its timers. */
  close(): void {
    this.#cancelBackoff?.();
    this.#cancelFlush?.();
  }

  #releaseGone(queued: QueuedPod): void {
    this.#options.onReleased(queued.info);
  }

  #penalize(queued: QueuedPod): void {
    const nowMs = this.#options.clock.now();
    const delayMs = Math.min(backoff.initialMs * 2 ** queued.failures, backoff.maxMs);
    queued.failures++;
    queued.timestampMs = nowMs;
    queued.backoffUntilMs = nowMs + delayMs;
  }

  #enqueue(queued: QueuedPod): void {
    if (this.#options.preEnqueue(queued.info) !== undefined) {
      queued.place = 'gated';
      this.#gated++;
      return;
    }
    queued.place = 'active';
    this.#active.push(queued);
    this.#options.onReady();
  }

  #retry(queued: QueuedPod): void {
    if (queued.backoffUntilMs > this.#options.clock.now()) this.#backOff(queued);
    else this.#enqueue(queued);
  }

  #backOff(queued: QueuedPod): void {
    queued.place = 'backoff';
    this.#backoff.push(queued);
    this.#armBackoff();
  }

  #wait(queued: QueuedPod): void {
    queued.place = 'unschedulable';
    this.#waiting.add(queued);
    for (const plugin of queued.refusedBy) {
      let refused = this.#refusedBy.get(plugin);
      if (refused === undefined) this.#refusedBy.set(plugin, (refused = new Set()));
      refused.add(queued);
    }
    this.#cancelFlush ??= this.#options.clock.after(flushEveryMs, () => this.#flushOld());
  }

  /** Out of wherever it is. */
  #take(queued: QueuedPod): void {
    if (queued.place === 'active') this.#active.remove(queued);
    else if (queued.place === 'backoff') this.#backoff.remove(queued);
    else if (queued.place === 'gated') this.#gated--;
    else if (queued.place === 'unschedulable') {
      this.#waiting.delete(queued);
      for (const plugin of queued.refusedBy) this.#refusedBy.get(plugin)?.delete(queued);
    }
  }

  #armBackoff(): void {
    const dueMs = this.#backoff.first?.backoffUntilMs ?? Number.POSITIVE_INFINITY;
    if (dueMs >= this.#backoffDueMs) return;
    this.#cancelBackoff?.();
    this.#backoffDueMs = dueMs;
    this.#cancelBackoff = this.#options.clock.after(dueMs - this.#options.clock.now(), () => {
      this.#backoffDueMs = Number.POSITIVE_INFINITY;
      const nowMs = this.#options.clock.now();
      for (let next = this.#backoff.first; next !== undefined; next = this.#backoff.first) {
        if (next.backoffUntilMs > nowMs) break;
        this.#backoff.remove(next);
        this.#enqueue(next);
      }
      this.#armBackoff();
    });
  }

  #flushOld(): void {
    this.#cancelFlush = undefined;
    const oldestMs = this.#options.clock.now() - unschedulableMaxMs;
    for (const queued of this.#waiting) {
      if (queued.timestampMs > oldestMs) continue;
      this.#take(queued);
      this.#retry(queued);
    }
    if (this.#waiting.size > 0)
      this.#cancelFlush = this.#options.clock.after(flushEveryMs, () => this.#flushOld());
  }

  #subscribe(plugin: string, interest: EventInterest): void {
    const entry: Interest = { plugin, ...interest };
    const list = this.#interests.get(interest.type);
    if (list === undefined) this.#interests.set(interest.type, [entry]);
    else list.push(entry);
  }
}
