import { formatTime, type Informer, type Job, type JobStatus, type Pod } from '#libs/client';
import { findCondition, withCondition } from '../core/conditions.js';
import { byController } from '../core/indexes.js';
import { isPodActive, isPodReady, isTerminating } from '../core/pod-state.js';
import { formatIndexes, parseIndexes } from './indexes.js';
import { indexOf, isFailed, isIndexed, isTracked, judgeFailure } from './pods.js';
import { endingOf, type Ending } from './verdict.js';

/** Ends counted in one reconcile. */
const burst = 500;

/** The pods of a Job, sorted by what they mean for it. */
export interface Sorted {
  readonly active: Pod[];
  readonly terminating: number;
  readonly ready: number;
  /** Ended and not yet counted. */
  readonly succeeded: Pod[];
  readonly failed: Pod[];
  /** Ended, counted or not: what the delay between tries is measured by. */
  readonly allSucceeded: Pod[];
  readonly allFailed: Pod[];
}

export function sortPods(job: Job, pods: readonly Pod[]): Sorted {
  const uncounted = job.status?.uncountedTerminatedPods;
  const known = new Set([...(uncounted?.succeeded ?? []), ...(uncounted?.failed ?? [])]);
  const isNew = (pod: Pod): boolean => isTracked(pod) && !known.has(pod.metadata.uid ?? '');
  const allSucceeded = pods.filter((pod) => pod.status?.phase === 'Succeeded');
  const allFailed = pods.filter((pod) => isFailed(job, pod));
  const active = pods.filter(isPodActive);
  return {
    active,
    terminating: pods.filter(
      (pod) => isTerminating(pod) && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed',
    ).length,
    ready: active.filter(isPodReady).length,
    succeeded: allSucceeded.filter(isNew),
    failed: allFailed.filter(isNew),
    allSucceeded,
    allFailed: allFailed.filter((pod) => judgeFailure(job, pod)?.action !== 'Ignore'),
  };
}

/** What one reconcile knows of a Job, and the status that follows from it. */
export class JobSync {
  readonly job: Job;
  readonly sorted: Sorted;
  readonly #nowMs: number;
  readonly #completed: Set<number>;

  constructor(job: Job, sorted: Sorted, nowMs: number) {
    this.job = job;
    this.sorted = sorted;
    this.#nowMs = nowMs;
    this.#completed = parseIndexes(job.status?.completedIndexes);
    if (isIndexed(job)) for (const pod of sorted.allSucceeded) this.#addIndex(pod);
  }

  #addIndex(pod: Pod): void {
    const index = indexOf(pod);
    if (index !== undefined && index < (this.job.spec.completions ?? 0)) this.#completed.add(index);
  }

  get succeeded(): number {
    if (isIndexed(this.job)) return this.#completed.size;
    const { succeeded = 0, uncountedTerminatedPods } = this.job.status ?? {};
    return succeeded + (uncountedTerminatedPods?.succeeded?.length ?? 0) + this.sorted.succeeded.length;
  }

  get failed(): number {
    const { failed = 0, uncountedTerminatedPods } = this.job.status ?? {};
    const fresh = this.sorted.failed.filter((pod) => judgeFailure(this.job, pod)?.action !== 'Ignore').length;
    return failed + (uncountedTerminatedPods?.failed?.length ?? 0) + fresh;
  }

  ending(): Ending | undefined {
    const counts = {
      active: this.sorted.active,
      newlyFailed: this.sorted.failed,
      succeeded: this.succeeded,
      failed: this.failed,
    };
    return endingOf(this.withStart(), counts, this.#nowMs);
  }

  /** The Job with the start time that this reconcile gives it. */
  withStart(): Job {
    if (this.job.status?.startTime !== undefined || this.job.spec.suspend === true) return this.job;
    return { ...this.job, status: { ...this.job.status, startTime: formatTime(this.#nowMs) } };
  }

  /** The lowest indexes that neither run nor are done. */
  freeIndexes(count: number): number[] {
    const taken = new Set(this.#completed);
    for (const pod of this.sorted.active) taken.add(indexOf(pod) ?? -1);
    const free: number[] = [];
    for (let index = 0; index < (this.job.spec.completions ?? 0) && free.length < count; index++) {
      if (!taken.has(index)) free.push(index);
    }
    return free;
  }

  tracked(): Pod[] {
    return [...this.sorted.allSucceeded, ...this.sorted.allFailed, ...this.sorted.failed].filter(isTracked);
  }

  status(ending: Ending | undefined, pods: Informer<Pod>): JobStatus {
    const { job, sorted } = this;
    const previous = job.status ?? {};
    const stillTracked = new Set(
      pods.lister
        .byIndex(byController, job.metadata.uid ?? '')
        .filter(isTracked)
        .map((pod) => pod.metadata.uid ?? ''),
    );
    const move = (
      uids: readonly string[] = [],
      fresh: readonly Pod[],
    ): { counted: number; uids: string[] } => {
      const kept = uids.filter((uid) => stillTracked.has(uid));
      return {
        counted: uids.length - kept.length,
        uids: [...kept, ...fresh.slice(0, burst).map((pod) => pod.metadata.uid ?? '')],
      };
    };
    const ignored = (pod: Pod): boolean => judgeFailure(job, pod)?.action === 'Ignore';
    const succeeded = move(previous.uncountedTerminatedPods?.succeeded, sorted.succeeded);
    const failed = move(
      previous.uncountedTerminatedPods?.failed,
      sorted.failed.filter((pod) => !ignored(pod)),
    );
    const counts = {
      active: sorted.active.length,
      ready: sorted.ready,
      terminating: sorted.terminating,
      succeeded: isIndexed(job) ? this.#completed.size : (previous.succeeded ?? 0) + succeeded.counted,
      failed: (previous.failed ?? 0) + failed.counted,
    };
    const isSettled = succeeded.uids.length === 0 && failed.uids.length === 0;
    const isOver =
      ending !== undefined && isSettled && sorted.active.length === 0 && sorted.terminating === 0;
    const started = this.withStart().status?.startTime;
    const { conditions, startTime } = this.#conditions(ending, isOver, started);
    const completedIndexes = formatIndexes(this.#completed);
    return {
      ...Object.fromEntries(
        Object.entries(counts).filter(
          ([field, count]) => count !== 0 || field === 'ready' || field === 'terminating',
        ),
      ),
      ...(startTime === undefined ? {} : { startTime }),
      ...(isOver && ending.type === 'Complete' ? { completionTime: formatTime(this.#nowMs) } : {}),
      ...(isIndexed(job) && completedIndexes !== '' ? { completedIndexes } : {}),
      ...(conditions.length === 0 ? {} : { conditions }),
      ...(isSettled
        ? {}
        : {
            uncountedTerminatedPods: {
              ...(succeeded.uids.length === 0 ? {} : { succeeded: succeeded.uids }),
              ...(failed.uids.length === 0 ? {} : { failed: failed.uids }),
            },
          }),
    };
  }

  #conditions(
    ending: Ending | undefined,
    isOver: boolean,
    started: string | undefined,
  ): { conditions: NonNullable<JobStatus['conditions']>; startTime: string | undefined } {
    let conditions = [...(this.job.status?.conditions ?? [])];
    const add = (type: string, status: 'True' | 'False', reason: string, message: string): void => {
      conditions = withCondition(conditions, { type, status, reason, message }, this.#nowMs, {
        probeTime: true,
      });
    };
    let startTime = started;
    const isSuspended = findCondition(conditions, 'Suspended')?.status === 'True';
    if (ending !== undefined) {
      const target = ending.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
      add(target, 'True', ending.reason, ending.message);
      if (isOver) add(ending.type, 'True', ending.reason, ending.message);
    } else if (this.job.spec.suspend === true) {
      add('Suspended', 'True', 'JobSuspended', 'Job suspended');
      startTime = undefined;
    } else if (isSuspended) {
      add('Suspended', 'False', 'JobResumed', 'Job resumed');
      startTime = formatTime(this.#nowMs);
    }
    return { conditions, startTime };
  }
}
