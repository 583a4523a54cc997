import { type Container, type ContainerStatus, formatTime, type Pod, type PodStatus } from '#libs/client';

/** How long the stations of a simulated pod's life take. */
export interface LifecycleDelays {
  /** Bound → running and ready. */
  readonly startMs: number;
  /** Running → ended, for pods that are meant to end (restartPolicy other than Always). */
  readonly runMs: number;
  /** Deleted → gone; never longer than the pod's own grace period. */
  readonly stopMs: number;
}

/** What a simulated kubelet does next with a pod. */
export type NextStep =
  | { readonly action: 'none' }
  | { readonly action: 'wait'; readonly ms: number }
  | { readonly action: 'remove' }
  | { readonly action: 'status'; readonly status: PodStatus };

/** The exit code that the containers of a pod shall end with; for trying out Job failure handling. */
export const exitCodeAnnotation = 'simulation.trireme.dev/exit-code';

export interface NodeIdentity {
  readonly hostIP: string;
  /** The address of a pod on this node, the same each time it is asked. */
  readonly podIP: (uid: string) => string;
}

const elapsedMs = (since: string | undefined, nowMs: number): number =>
  since === undefined ? 0 : nowMs - Date.parse(since);

/**
 * The next step of a pod bound to a simulated node, from its present state alone: a restarted agent goes on where
 * the last one stopped. `sinceMs` is when this agent first saw the pod on the node, or, for one that is being deleted,
 * when it first saw that.
 */
export function nextStep(
  pod: Pod,
  sinceMs: number,
  nowMs: number,
  delays: LifecycleDelays,
  node: NodeIdentity,
): NextStep {
  const { metadata, status } = pod;
  if (metadata.deletionTimestamp !== undefined) return removal(pod, sinceMs, nowMs, delays);
  const phase = status?.phase ?? 'Pending';
  if (phase === 'Succeeded' || phase === 'Failed') return { action: 'none' };
  if (phase !== 'Running') {
    const remaining = delays.startMs - (nowMs - sinceMs);
    return remaining > 0
      ? { action: 'wait', ms: remaining }
      : { action: 'status', status: runningStatus(pod, nowMs, node) };
  }
  if ((pod.spec.restartPolicy ?? 'Always') === 'Always') return { action: 'none' };
  const remaining = delays.runMs - elapsedMs(status?.startTime, nowMs);
  return remaining > 0
    ? { action: 'wait', ms: remaining }
    : { action: 'status', status: endedStatus(pod, nowMs) };
}

/** Containers take a moment to stop; clients rely on it (kubectl looks twice at a pod that it waits for to go). */
function removal(pod: Pod, sinceMs: number, nowMs: number, delays: LifecycleDelays): NextStep {
  const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1_000;
  const remaining = Math.min(delays.stopMs, graceMs) - (nowMs - sinceMs);
  return remaining > 0 ? { action: 'wait', ms: remaining } : { action: 'remove' };
}

function condition(type: string, ok: boolean, now: string, reason?: string): Record<string, unknown> {
  return {
    type,
    status: ok ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: now,
    ...(reason === undefined ? {} : { reason }),
  };
}

function conditions(pod: Pod, ready: boolean, now: string): PodStatus['conditions'] {
  const reason = ready ? undefined : 'PodCompleted';
  const scheduled = pod.status?.conditions?.find((known) => known.type === 'PodScheduled');
  return [
    condition('PodReadyToStartContainers', ready, now),
    condition('Initialized', true, now, reason),
    condition('Ready', ready, now, reason),
    condition('ContainersReady', ready, now, reason),
    scheduled ?? condition('PodScheduled', true, now),
  ] as PodStatus['conditions'];
}

function containerId(pod: Pod, name: string): string {
  return `simulated://${pod.metadata.uid}/${name}`;
}

function started(pod: Pod, container: Container, now: string): ContainerStatus {
  return {
    name: container.name,
    ready: true,
    started: true,
    restartCount: 0,
    image: container.image ?? '',
    imageID: `simulated://${container.image ?? ''}`,
    containerID: containerId(pod, container.name),
    state: { running: { startedAt: now } },
    lastState: {},
  };
}

function ended(
  pod: Pod,
  container: Container,
  startedAt: string,
  now: string,
  exitCode: number,
): ContainerStatus {
  const terminated = {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    startedAt,
    finishedAt: now,
    containerID: containerId(pod, container.name),
  };
  return { ...started(pod, container, now), ready: false, started: false, state: { terminated } };
}

function runningStatus(pod: Pod, nowMs: number, node: NodeIdentity): PodStatus {
  const now = formatTime(nowMs);
  const podIP = pod.spec.hostNetwork === true ? node.hostIP : node.podIP(pod.metadata.uid ?? '');
  const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';
  return {
    phase: 'Running',
    observedGeneration: pod.metadata.generation ?? 1,
    conditions: conditions(pod, true, now),
    hostIP: node.hostIP,
    hostIPs: [{ ip: node.hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: now,
    ...(pod.spec.initContainers === undefined
      ? {}
      : {
          initContainerStatuses: pod.spec.initContainers.map((container) =>
            isSidecar(container)
              ? started(pod, container, now)
              : { ...ended(pod, container, now, now, 0), ready: true },
          ),
        }),
    containerStatuses: pod.spec.containers.map((container) => started(pod, container, now)),
  };
}

function endedStatus(pod: Pod, nowMs: number): PodStatus {
  const now = formatTime(nowMs);
  const exitCode = Number(pod.metadata.annotations?.[exitCodeAnnotation] ?? 0);
  const startedAt = pod.status?.startTime ?? now;
  return {
    ...pod.status,
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    observedGeneration: pod.metadata.generation ?? 1,
    conditions: conditions(pod, false, now),
    containerStatuses: pod.spec.containers.map((container) =>
      ended(pod, container, startedAt, now, exitCode),
    ),
  };
}
