import { parseTime, type Job, type Pod, type PodFailurePolicyRule } from '#libs/client';
import { createdMs, isTerminating } from '../core/pod-state.js';
import { podFromTemplate } from '../core/pods.js';

/** Keeps a finished pod until it has been counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === 'Indexed';
}

export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(trackingFinalizer) === true;
}

/** Ended in failure; a pod on its way out counts too, unless the Job replaces failed pods only. */
export function isFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (job.spec.podReplacementPolicy === 'Failed') return false;
  return isTerminating(pod) && pod.status?.phase !== 'Succeeded';
}

export function jobPod(job: Job, index: number | undefined): Pod {
  const name = job.metadata.name ?? '';
  const pod = podFromTemplate(job.spec.template, job, {
    generateName: index === undefined ? `${name}-` : `${name}-${index}-`,
  });
  pod.metadata.finalizers = [...(pod.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return pod;
  pod.metadata.annotations = { ...pod.metadata.annotations, [indexAnnotation]: String(index) };
  pod.metadata.labels = { ...pod.metadata.labels, [indexAnnotation]: String(index) };
  pod.spec.hostname ??= `${name}-${index}`;
  const env = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${indexAnnotation}']` } },
  };
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    if (!(container.env ?? []).some((each) => each.name === env.name)) {
      container.env = [...(container.env ?? []), structuredClone(env)];
    }
  }
  return pod;
}

/** When the last of a pod's containers ended; its deletion or creation where none says. */
export function finishedMs(pod: Pod): number {
  let latestMs = 0;
  for (const status of pod.status?.containerStatuses ?? []) {
    latestMs = Math.max(latestMs, parseTime(status.state?.terminated?.finishedAt) || 0);
  }
  if (latestMs > 0) return latestMs;
  const ready = pod.status?.conditions?.find((each) => each.type === 'Ready');
  return parseTime(ready?.lastTransitionTime) || parseTime(pod.metadata.deletionTimestamp) || createdMs(pod);
}

const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

/** Until when no new pod is made: 10 s after a failure, doubled with each that follows without a success, at most 10 min. */
export function backoffUntilMs(failed: readonly Pod[], succeeded: readonly Pod[]): number {
  const lastSuccessMs = Math.max(0, ...succeeded.map(finishedMs));
  const failuresMs = failed.map(finishedMs).filter((each) => each > lastSuccessMs);
  if (failuresMs.length === 0) return 0;
  const delayMs = Math.min(firstBackoffMs * 2 ** Math.min(failuresMs.length - 1, 10), maxBackoffMs);
  return Math.max(...failuresMs) + delayMs;
}

export interface PolicyVerdict {
  readonly action: PodFailurePolicyRule['action'];
  readonly message: string;
}

/** The first rule of the Job's podFailurePolicy that a failed pod meets (KEP-3329). */
export function judgeFailure(job: Job, pod: Pod): PolicyVerdict | undefined {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const where = `matching ${rule.action} rule at index ${index}`;
    const podName = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (rule.onExitCodes !== undefined) {
      const hit = exitCodeMatch(rule.onExitCodes, pod);
      if (hit === undefined) continue;
      const message = `Container ${hit.name} for pod ${podName} failed with exit code ${hit.exitCode} ${where}`;
      return { action: rule.action, message };
    }
    const condition = pod.status?.conditions?.find((each) =>
      rule.onPodConditions?.some(
        (wanted) => wanted.type === each.type && (wanted.status ?? 'True') === each.status,
      ),
    );
    if (condition !== undefined) {
      return { action: rule.action, message: `Pod ${podName} has condition ${condition.type} ${where}` };
    }
  }
  return undefined;
}

function exitCodeMatch(
  wanted: NonNullable<PodFailurePolicyRule['onExitCodes']>,
  pod: Pod,
): { name: string; exitCode: number } | undefined {
  for (const status of [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
  ]) {
    const exitCode = status.state?.terminated?.exitCode;
    if (exitCode === undefined || exitCode === 0) continue;
    if (wanted.containerName !== undefined && wanted.containerName !== status.name) continue;
    if (wanted.values.includes(exitCode) === (wanted.operator === 'In'))
      return { name: status.name, exitCode };
  }
  return undefined;
}

/** Restarts of all containers: what counts against the limit where pods restart in place. */
export function restartsOf(pods: readonly Pod[]): number {
  let restarts = 0;
  for (const pod of pods) {
    if (pod.status?.phase !== 'Running' && pod.status?.phase !== 'Pending') continue;
    for (const each of [
      ...(pod.status.containerStatuses ?? []),
      ...(pod.status.initContainerStatuses ?? []),
    ]) {
      restarts += each.restartCount;
    }
  }
  return restarts;
}
