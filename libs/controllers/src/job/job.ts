import {
  formatTime,
  isNotFound,
  keyOf,
  makeKey,
  resources,
  runController,
  type EventRecorder,
  type Informer,
  type Job,
  type JobStatus,
  type Pod,
  type ResourceClient,
  type WorkQueue,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from '../context.js';
import { claimObjects } from '../core/claim.js';
import { findCondition, withCondition } from '../core/conditions.js';
import { Expectations } from '../core/expectations.js';
import { byController, indexByController, orphansByNamespace } from '../core/indexes.js';
import { controllerOf } from '../core/owner.js';
import { compareForDeletion, isPodActive, isPodReady, isTerminating } from '../core/pod-state.js';
import { isNamespaceTerminating, parallelWrites } from '../core/pods.js';
import { selectorOf } from '../core/selectors.js';
import { inParallel, slowStart } from '../core/slow-start.js';
import { inNamespaceOf, writeStatus } from '../core/status.js';
import { formatIndexes, parseIndexes } from './indexes.js';
import {
  backoffUntilMs,
  indexOf,
  isFailed,
  isIndexed,
  isTracked,
  jobPod,
  judgeFailure,
  trackingFinalizer,
} from './pods.js';
import { deadlineInMs, endedBy, endingOf, wantedActive, type Ending } from './verdict.js';

/** Pods made, deleted or counted in one reconcile. */
const burst = 500;

/**
 * Job: pods that run to completion. Every pod carries a finalizer until its end has been written into the status
 * (KEP-2307): first its uid among the uncounted, then the finalizer goes, then the counter moves; so an end is counted
 * once, whatever crashes in between and whoever deletes pods.
 */
export function createJobController(context: ControllerContext): Controller {
  const core = new JobCore(context);
  const main = makeController(context, {
    name: 'job',
    workers: 5,
    queue: core.queue,
    needs: [core.jobs, core.pods],
    reconcile: (key) => core.reconcile(key),
  });
  return {
    name: main.name,
    async start(signal) {
      const onError = context.onError;
      await Promise.all([
        main.start(signal),
        runController({
          name: 'job',
          queue: core.orphans,
          signal,
          reconcile: (key) => core.releaseOrphan(key),
          ...(onError === undefined ? {} : { onError }),
        }),
      ]);
    },
  };
}

/** The pods of a Job, sorted by what they mean for it. */
interface Sorted {
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

class JobCore {
  readonly queue: WorkQueue;
  /** Pods whose Job is gone: nobody will count them, so their finalizer must not hold them. */
  readonly orphans: WorkQueue;
  readonly jobs: Informer<Job>;
  readonly pods: Informer<Pod>;
  readonly #context: ControllerContext;
  readonly #client: ResourceClient<Job>;
  readonly #podClient: ResourceClient<Pod>;
  readonly #recorder: EventRecorder;
  readonly #expectations: Expectations;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#client = context.client.resource(resources.jobs);
    this.#podClient = context.client.resource(resources.pods);
    this.#recorder = context.recorderFor('job-controller');
    this.#expectations = new Expectations(() => context.clock.now());
    this.queue = queueFor(context, 'job');
    this.orphans = queueFor(context, 'job_orphan_pod');
    this.jobs = context.informers.informer(resources.jobs);
    this.pods = context.informers.informer(resources.pods);
    indexByController(this.pods);
    this.jobs.addHandler({
      add: (job) => this.queue.add(keyOf(job)),
      update: (job) => this.queue.add(keyOf(job)),
      delete: (job) => {
        this.#expectations.forget(keyOf(job));
        for (const pod of this.pods.lister.byIndex(byController, job.metadata.uid ?? ''))
          this.orphans.add(keyOf(pod));
      },
    });
    this.pods.addHandler({
      add: (pod) => this.#podChanged(pod, 'added'),
      update: (pod) => this.#podChanged(pod, 'updated'),
      delete: (pod) => this.#podChanged(pod, 'deleted'),
    });
  }

  #podChanged(pod: Pod, how: 'added' | 'updated' | 'deleted'): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'Job') {
      if (isTracked(pod)) this.orphans.add(keyOf(pod));
      return;
    }
    const key = makeKey(pod.metadata.namespace, owner.name);
    if (how === 'added') this.#expectations.creationObserved(key);
    if (how === 'deleted' || isTerminating(pod)) this.#expectations.deletionObserved(key, keyOf(pod));
    this.queue.add(key);
    if (isTerminating(pod) && this.jobs.lister.getByKey(key)?.metadata.uid !== owner.uid)
      this.orphans.add(keyOf(pod));
  }

  async releaseOrphan(key: string): Promise<void> {
    const pod = this.pods.lister.getByKey(key);
    const owner = pod === undefined ? undefined : controllerOf(pod);
    if (pod === undefined || !isTracked(pod)) return;
    if (owner?.kind === 'Job') {
      try {
        const job = await this.#client.get(owner.name, inNamespaceOf(pod));
        if (job.metadata.uid === owner.uid) return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    await this.#untrack(pod);
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | undefined> {
    const job = this.jobs.lister.getByKey(key);
    if (
      job === undefined ||
      (job.spec.managedBy ?? 'kubernetes.io/job-controller') !== 'kubernetes.io/job-controller'
    ) {
      return undefined;
    }
    const pods = await this.#claim(job);
    if (endedBy(job) !== undefined) {
      await inParallel(pods.filter(isTracked).slice(0, burst), parallelWrites, (pod) => this.#untrack(pod));
      return undefined;
    }
    const sync = new JobSync(job, sortPods(job, pods), this.#context.clock.now());
    const ending = isTerminating(job) ? undefined : sync.ending();
    let waitMs: number | undefined;
    let failure: unknown;
    if (!isTerminating(job) && this.#expectations.satisfied(key)) {
      ({ waitMs, failure } = await this.#manage(key, sync, ending));
    }
    await this.#count(sync, ending);
    if (failure !== undefined) throw failure;
    const waits = [waitMs, deadlineInMs(sync.withStart(), this.#context.clock.now())].filter(
      (each) => each !== undefined,
    );
    return waits.length === 0 || ending !== undefined
      ? undefined
      : { requeueAfterMs: Math.max(1, Math.min(...waits)) };
  }

  #claim(job: Job): Promise<Pod[]> {
    const { name = '', namespace = '', uid = '' } = job.metadata;
    const selector = selectorOf(job.spec.selector);
    return claimObjects(
      {
        owner: job,
        freshOwner: () => this.#client.get(name, inNamespaceOf(job)),
        client: this.#podClient,
        matches: (pod) => selector.matches(pod.metadata.labels),
      },
      this.pods.lister.byIndex(byController, uid),
      this.pods.lister.byIndex(orphansByNamespace, namespace),
    );
  }

  /** Brings the number of running pods to what is wanted. */
  async #manage(
    key: string,
    sync: JobSync,
    ending: Ending | undefined,
  ): Promise<{ waitMs?: number | undefined; failure?: unknown }> {
    const { job, sorted } = sync;
    const wanted = ending === undefined ? wantedActive(job, sorted.active.length, sync.succeeded) : 0;
    const surplus = sorted.active.length - wanted;
    if (surplus > 0) return { failure: await this.#deletePods(key, job, sorted.active, surplus) };
    // A pod on its way out holds its place where only failed pods are replaced.
    const held = job.spec.podReplacementPolicy === 'Failed' ? sorted.terminating : 0;
    const missing = Math.min(-surplus - held, burst);
    if (missing <= 0 || ending !== undefined || job.spec.suspend === true) return {};
    const waitMs = backoffUntilMs(sorted.allFailed, sorted.allSucceeded) - this.#context.clock.now();
    if (waitMs > 0) return { waitMs };
    return { failure: await this.#createPods(key, sync, missing) };
  }

  async #createPods(key: string, sync: JobSync, missing: number): Promise<unknown> {
    const { job } = sync;
    const indexes = isIndexed(job) ? sync.freeIndexes(missing) : undefined;
    const count = indexes?.length ?? missing;
    if (count === 0) return undefined;
    this.#expectations.expectCreations(key, count);
    let attempted = 0;
    const { error } = await slowStart(count, async (at) => {
      attempted++;
      try {
        const pod = await this.#podClient.create(jobPod(job, indexes?.[at]));
        this.#recorder.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (failure) {
        this.#expectations.creationObserved(key);
        if (isNamespaceTerminating(failure)) return;
        const message = failure instanceof Error ? failure.message : String(failure);
        this.#recorder.event(job, 'Warning', 'FailedCreate', `Error creating: ${message}`);
        throw failure;
      }
    });
    for (let skipped = attempted; skipped < count; skipped++) this.#expectations.creationObserved(key);
    return error;
  }

  async #deletePods(key: string, job: Job, active: readonly Pod[], count: number): Promise<unknown> {
    const victims = active
      .toSorted((left, right) => compareForDeletion(left, right, () => 0))
      .slice(0, Math.min(count, burst));
    this.#expectations.expectDeletions(key, victims.map(keyOf));
    try {
      await inParallel(victims, parallelWrites, async (pod) => {
        const { name = '', uid } = pod.metadata;
        try {
          await this.#podClient.delete(name, {
            ...inNamespaceOf(pod),
            ...(uid === undefined ? {} : { preconditions: { uid } }),
          });
          this.#recorder.event(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
        } catch (error) {
          this.#expectations.deletionObserved(key, keyOf(pod));
          if (!isNotFound(error)) throw error;
        }
      });
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Counts what ended, each end once, and writes the status. */
  async #count(sync: JobSync, ending: Ending | undefined): Promise<void> {
    const { job } = sync;
    const before = job.status ?? {};
    const status = sync.status(ending, this.pods);
    this.#noteSuspension(job, status);
    const isOver = endingConditionAdded(before, status);
    await writeStatus(this.#client, job, status);
    if (isOver && ending !== undefined) {
      const text = ending.type === 'Complete' ? 'Job completed' : ending.message;
      const reason = ending.type === 'Complete' ? 'Completed' : ending.reason;
      this.#recorder.event(job, ending.type === 'Complete' ? 'Normal' : 'Warning', reason, text);
    }
    // Only what is in the written status may lose its finalizer.
    const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
    const written = new Set([...succeeded, ...failed]);
    const counted = sync.tracked().filter((pod) => written.has(pod.metadata.uid ?? ''));
    await inParallel(counted, parallelWrites, (pod) => this.#untrack(pod));
    // Their removal is seen as updates, which bring the Job back here to move the counters.
  }

  #noteSuspension(job: Job, status: JobStatus): void {
    const before = findCondition(job.status?.conditions, 'Suspended')?.status;
    const after = findCondition(status.conditions, 'Suspended')?.status;
    if (before === after) return;
    if (after === 'True') this.#recorder.event(job, 'Normal', 'Suspended', 'Job suspended');
    else if (before === 'True') this.#recorder.event(job, 'Normal', 'Resumed', 'Job resumed');
  }

  async #untrack(pod: Pod): Promise<void> {
    const { name = '', uid, resourceVersion, finalizers = [] } = pod.metadata;
    const rest = finalizers.filter((each) => each !== trackingFinalizer);
    try {
      await this.#podClient.patch(
        name,
        { metadata: { uid, resourceVersion, finalizers: rest } },
        inNamespaceOf(pod),
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function endingConditionAdded(before: JobStatus, after: JobStatus): boolean {
  const has = (status: JobStatus): boolean =>
    status.conditions?.some(
      (each) => (each.type === 'Complete' || each.type === 'Failed') && each.status === 'True',
    ) === true;
  return !has(before) && has(after);
}

function sortPods(job: Job, pods: readonly Pod[]): Sorted {
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
class JobSync {
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
