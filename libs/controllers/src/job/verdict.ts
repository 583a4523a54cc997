import { parseTime, type Condition, type Job, type Pod } from '#libs/client';
import { findCondition } from '../core/conditions.js';
import { isIndexed, judgeFailure, restartsOf } from './pods.js';

/** How a Job ends. */
export interface Ending {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

export interface JobCounts {
  readonly active: readonly Pod[];
  /** Failed and not yet counted, or seen for the first time. */
  readonly newlyFailed: readonly Pod[];
  readonly succeeded: number;
  readonly failed: number;
}

export function endedBy(job: Job): Condition | undefined {
  return job.status?.conditions?.find(
    (each) => (each.type === 'Complete' || each.type === 'Failed') && each.status === 'True',
  );
}

/** Whether the Job is to end, and how; a decision that was written already stands. */
export function endingOf(job: Job, counts: JobCounts, nowMs: number): Ending | undefined {
  const { conditions } = job.status ?? {};
  const target = findCondition(conditions, 'FailureTarget');
  if (target?.status === 'True')
    return { type: 'Failed', reason: target.reason ?? '', message: target.message ?? '' };
  const met = findCondition(conditions, 'SuccessCriteriaMet');
  if (met?.status === 'True')
    return { type: 'Complete', reason: met.reason ?? '', message: met.message ?? '' };
  for (const pod of counts.newlyFailed) {
    const verdict = judgeFailure(job, pod);
    if (verdict?.action === 'FailJob')
      return { type: 'Failed', reason: 'PodFailurePolicy', message: verdict.message };
  }
  const limit = job.spec.backoffLimit ?? 6;
  if (counts.failed > limit || restartsExceed(job, counts.active, limit)) {
    const message = 'Job has reached the specified backoff limit';
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message };
  }
  if ((deadlineInMs(job, nowMs) ?? 1) <= 0) {
    const message = 'Job was active longer than specified deadline';
    return { type: 'Failed', reason: 'DeadlineExceeded', message };
  }
  return isSatisfied(job, counts)
    ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : undefined;
}

function isSatisfied(job: Job, { active, succeeded }: JobCounts): boolean {
  const { completions } = job.spec;
  if (completions === undefined) return succeeded > 0 && active.length === 0;
  return succeeded >= completions && (isIndexed(job) || active.length === 0 || completions === 0);
}

function restartsExceed(job: Job, active: readonly Pod[], limit: number): boolean {
  if (job.spec.template.spec.restartPolicy !== 'OnFailure') return false;
  const restarts = restartsOf(active);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Milliseconds to the deadline; undefined where there is none, or the clock does not run. */
export function deadlineInMs(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec;
  const startMs = parseTime(job.status?.startTime);
  if (activeDeadlineSeconds === undefined || suspend === true || Number.isNaN(startMs)) return undefined;
  return startMs + activeDeadlineSeconds * 1_000 - nowMs;
}

/** Pods that should run at the same time now. */
export function wantedActive(job: Job, active: number, succeeded: number): number {
  const { parallelism = 1, completions } = job.spec;
  if (job.spec.suspend === true) return 0;
  if (completions === undefined) return succeeded > 0 ? Math.min(active, parallelism) : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}
