import {
  deepCopy,
  formatTime,
  isAlreadyExists,
  isNotFound,
  keyOf,
  makeKey,
  parseTime,
  resources,
  type CronJob,
  type Job,
  type ObjectReference,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from '../context.js';
import { byController, indexByController } from '../core/indexes.js';
import { controllerOf, controllerReference } from '../core/owner.js';
import { createdMs, isTerminating } from '../core/pod-state.js';
import { isNamespaceTerminating } from '../core/pods.js';
import { inNamespaceOf, writeStatus } from '../core/status.js';
import { endedBy } from '../job/verdict.js';
import { parseSchedule, type Schedule } from './schedule.js';

/** More missed runs than this are not counted, and the user is told (Kubernetes' limit). */
const maxMissed = 100;
/** Added to the time of the next run, so that a clock that is behind does not miss it. */
const skewMs = 100;

/**
 * CronJob: a Job at each time of a schedule. A missed time is made up for once, within startingDeadlineSeconds; a Job's
 * name is made from its time, so no time gets two. Forbid skips while one runs, Replace deletes it first.
 */
export function createCronJobController(context: ControllerContext): Controller {
  const queue = queueFor(context, 'cronjob');
  const cronJobs = context.informers.informer(resources.cronJobs);
  const jobs = context.informers.informer(resources.jobs);
  const client = context.client.resource(resources.cronJobs);
  const jobClient = context.client.resource(resources.jobs);
  const recorder = context.recorderFor('cronjob-controller');
  indexByController(jobs);
  const enqueue = (cronJob: CronJob): void => queue.add(keyOf(cronJob));
  cronJobs.addHandler({ add: enqueue, update: enqueue });
  const enqueueOwner = (job: Job): void => {
    const owner = controllerOf(job);
    if (owner?.kind === 'CronJob') queue.add(makeKey(job.metadata.namespace, owner.name));
  };
  jobs.addHandler({ add: enqueueOwner, update: enqueueOwner, delete: enqueueOwner });

  async function reconcile(key: string): Promise<{ requeueAfterMs?: number } | undefined> {
    const cronJob = cronJobs.lister.getByKey(key);
    if (cronJob === undefined) return undefined;
    const own = jobs.lister.byIndex(byController, cronJob.metadata.uid ?? '');
    const status = statusOf(cronJob, own);
    await cleanUp(cronJob, own);
    const next = isTerminating(cronJob) ? undefined : await runDue(cronJob, own, status);
    await writeStatus(client, cronJob, status);
    return next;
  }

  /** Starts the Job that is due, if any; says when to come back. */
  async function runDue(
    cronJob: CronJob,
    own: readonly Job[],
    status: NonNullable<CronJob['status']>,
  ): Promise<{ requeueAfterMs?: number } | undefined> {
    if (cronJob.spec.suspend === true) return undefined;
    let schedule: Schedule;
    try {
      schedule = parseSchedule(cronJob.spec.schedule, cronJob.spec.timeZone);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      recorder.event(
        cronJob,
        'Warning',
        'UnparseableSchedule',
        `unparseable schedule: ${cronJob.spec.schedule}: ${message}`,
      );
      return undefined;
    }
    const nowMs = context.clock.now();
    const nextMs = schedule.next(nowMs);
    const later = nextMs === undefined ? undefined : { requeueAfterMs: nextMs - nowMs + skewMs };
    const dueMs = mostRecentDue(cronJob, schedule, nowMs);
    if (dueMs === undefined) return later;
    const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec;
    if (startingDeadlineSeconds !== undefined && dueMs + startingDeadlineSeconds * 1_000 < nowMs) {
      const message = `Missed scheduled time to start a job: ${formatTime(dueMs)}`;
      recorder.event(cronJob, 'Warning', 'MissSchedule', message);
      return later;
    }
    const running = own.filter((job) => endedBy(job) === undefined);
    if (concurrencyPolicy === 'Forbid' && running.length > 0) {
      recorder.event(
        cronJob,
        'Normal',
        'JobAlreadyActive',
        'Not starting job because prior execution is running and concurrency policy is Forbid',
      );
      return later;
    }
    if (concurrencyPolicy === 'Replace') for (const job of running) await remove(cronJob, job);
    const made = await create(cronJob, dueMs);
    if (made === undefined) return later;
    status.lastScheduleTime = formatTime(dueMs);
    if (!status.active?.some((each) => each.uid === made.uid))
      status.active = [...(status.active ?? []), made];
    return later;
  }

  function mostRecentDue(cronJob: CronJob, schedule: Schedule, nowMs: number): number | undefined {
    let fromMs = parseTime(cronJob.status?.lastScheduleTime) || createdMs(cronJob);
    const deadline = cronJob.spec.startingDeadlineSeconds;
    if (deadline !== undefined) fromMs = Math.max(fromMs, nowMs - deadline * 1_000);
    let dueMs: number | undefined;
    let missed = 0;
    for (let atMs = schedule.next(fromMs); atMs !== undefined && atMs <= nowMs; atMs = schedule.next(atMs)) {
      dueMs = atMs;
      if (++missed <= maxMissed) continue;
      recorder.event(
        cronJob,
        'Warning',
        'TooManyMissedTimes',
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
      );
      // Of the rest only the latest counts: look for it in the last stretch alone.
      const step = (schedule.next(atMs) ?? nowMs) - atMs;
      atMs = Math.max(atMs, nowMs - 2 * step);
      missed = Number.NEGATIVE_INFINITY;
    }
    return dueMs;
  }

  async function create(cronJob: CronJob, dueMs: number): Promise<ObjectReference | undefined> {
    const { jobTemplate } = cronJob.spec;
    const { namespace = '' } = cronJob.metadata;
    const name = `${cronJob.metadata.name}-${Math.floor(dueMs / 60_000)}`;
    const job: Job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name,
        namespace,
        labels: { ...jobTemplate.metadata?.labels },
        annotations: {
          ...jobTemplate.metadata?.annotations,
          'batch.kubernetes.io/cronjob-scheduled-timestamp': formatTime(dueMs),
        },
        ownerReferences: [controllerReference(cronJob)],
      },
      spec: deepCopy(jobTemplate.spec),
    };
    try {
      const made = await jobClient.create(job);
      recorder.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      return { apiVersion: 'batch/v1', kind: 'Job', name, namespace, uid: made.metadata.uid ?? '' };
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (!isAlreadyExists(error)) throw error;
      const existing = await jobClient.get(name, { namespace });
      if (controllerOf(existing)?.uid !== cronJob.metadata.uid) throw error;
      return { apiVersion: 'batch/v1', kind: 'Job', name, namespace, uid: existing.metadata.uid ?? '' };
    }
  }

  /** Deletes finished Jobs beyond the history limits, oldest first. */
  async function cleanUp(cronJob: CronJob, own: readonly Job[]): Promise<void> {
    const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec;
    for (const [type, limit] of [
      ['Complete', successfulJobsHistoryLimit],
      ['Failed', failedJobsHistoryLimit],
    ] as const) {
      const ended = own.filter((job) => endedBy(job)?.type === type && !isTerminating(job));
      const oldest = ended.toSorted((left, right) => createdMs(left) - createdMs(right));
      for (const job of oldest.slice(0, Math.max(0, ended.length - limit))) await remove(cronJob, job);
    }
  }

  async function remove(cronJob: CronJob, job: Job): Promise<void> {
    try {
      await jobClient.delete(job.metadata.name ?? '', {
        ...inNamespaceOf(job),
        propagationPolicy: 'Background',
      });
      recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return makeController(context, { name: 'cronjob', workers: 5, queue, needs: [cronJobs, jobs], reconcile });
}

/** The status with the Jobs that run now, and the time of the last success. */
function statusOf(cronJob: CronJob, own: readonly Job[]): NonNullable<CronJob['status']> {
  const active = own
    .filter((job) => endedBy(job) === undefined)
    .toSorted((left, right) => createdMs(left) - createdMs(right))
    .map(({ metadata: { name = '', namespace = '', uid = '' } }) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      name,
      namespace,
      uid,
    }));
  let { lastSuccessfulTime } = cronJob.status ?? {};
  for (const job of own) {
    const { completionTime } = job.status ?? {};
    if (completionTime === undefined || endedBy(job)?.type !== 'Complete') continue;
    if (lastSuccessfulTime === undefined || parseTime(completionTime) > parseTime(lastSuccessfulTime)) {
      lastSuccessfulTime = completionTime;
    }
  }
  const { lastScheduleTime } = cronJob.status ?? {};
  return {
    ...(active.length === 0 ? {} : { active }),
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
    ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
  };
}
