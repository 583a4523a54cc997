import {
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
import { findCondition } from '../core/conditions.js';
import { Expectations } from '../core/expectations.js';
import { byController, indexByController, orphansByNamespace } from '../core/indexes.js';
import { controllerOf } from '../core/owner.js';
import { compareForDeletion, isTerminating } from '../core/pod-state.js';
import { isNamespaceTerminating, parallelWrites } from '../core/pods.js';
import { selectorOf } from '../core/selectors.js';
import { inParallel, slowStart } from '../core/slow-start.js';
import { inNamespaceOf, writeStatus } from '../core/status.js';
import { backoffUntilMs, isIndexed, isTracked, jobPod, trackingFinalizer } from './pods.js';
import { JobSync, sortPods } from './sync.js';
import { deadlineInMs, endedBy, wantedActive, type Ending } from './verdict.js';

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
