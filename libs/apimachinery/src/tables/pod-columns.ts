import { parseTime } from '../decode/time.js';
import type { Container, ContainerStatus, PodSpec, PodStatus } from '../kinds/common/pod-types.js';
import type { KubernetesObject, TableColumn } from '../types.js';
import { ageColumn, nameColumn, orNone, text } from './default-columns.js';
import { humanDuration } from './duration.js';

export interface PodSummary {
  readonly ready: number;
  readonly total: number;
  /** The word of the STATUS column. */
  readonly reason: string;
  readonly restarts: number;
  /** RFC 3339; undefined where nothing has restarted. */
  readonly lastRestart: string | undefined;
}

const statusOf = (pod: KubernetesObject): PodStatus => (pod['status'] ?? {}) as PodStatus;
const specOf = (pod: KubernetesObject): PodSpec => (pod['spec'] ?? {}) as PodSpec;

/** How a pod is doing, in kubectl's words (printPod of pkg/printers/internalversion). */
export function summarizePod(pod: KubernetesObject): PodSummary {
  const spec = specOf(pod);
  const status = statusOf(pod);
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const total = (spec.containers ?? []).length + sidecars.size;
  const init = summarizeInit(spec, status, sidecars);
  let { reason } = init;
  let { ready, restarts, lastRestart } = init;
  if (reason === undefined || isTrue(status, 'Initialized')) {
    const main = summarizeContainers(status, reason ?? phaseReason(status));
    reason = main.reason;
    ready += main.ready;
    restarts = init.sidecarRestarts + main.restarts;
    lastRestart = later(init.lastSidecarRestart, main.lastRestart);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') reason = 'Unknown';
    else if (status.phase !== 'Failed' && status.phase !== 'Succeeded') reason = 'Terminating';
  }
  return { ready, total, reason, restarts, lastRestart };
}

function phaseReason(status: PodStatus): string {
  const gated = status.conditions?.some(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  );
  if (gated === true) return 'SchedulingGated';
  return status.reason ?? status.phase ?? '';
}

function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

function isTrue(status: PodStatus, type: string): boolean {
  return (
    status.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true
  );
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? b : a;
}

interface InitSummary {
  /** Undefined once all init containers are done. */
  readonly reason: string | undefined;
  readonly ready: number;
  readonly restarts: number;
  readonly lastRestart: string | undefined;
  readonly sidecarRestarts: number;
  readonly lastSidecarRestart: string | undefined;
}

function summarizeInit(
  spec: PodSpec,
  status: PodStatus,
  sidecars: ReadonlySet<string | undefined>,
): InitSummary {
  let ready = 0;
  let restarts = 0;
  let sidecarRestarts = 0;
  let lastRestart: string | undefined;
  let lastSidecarRestart: string | undefined;
  let reason: string | undefined;
  for (const [index, container] of (status.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(container.name);
    const finishedAt = container.lastState?.terminated?.finishedAt;
    restarts += container.restartCount ?? 0;
    lastRestart = later(lastRestart, finishedAt);
    if (sidecar) {
      sidecarRestarts += container.restartCount ?? 0;
      lastSidecarRestart = later(lastSidecarRestart, finishedAt);
    }
    const { terminated, waiting } = container.state ?? {};
    if (terminated !== undefined && (terminated.exitCode ?? 0) === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready === true) ready++;
      continue;
    }
    if (terminated !== undefined) reason = `Init:${exitWord(terminated)}`;
    else if ((waiting?.reason ?? '') !== '' && waiting!.reason !== 'PodInitializing')
      reason = `Init:${waiting!.reason}`;
    else reason = `Init:${index}/${(spec.initContainers ?? []).length}`;
    break;
  }
  return { reason, ready, restarts, lastRestart, sidecarRestarts, lastSidecarRestart };
}

type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

function exitWord({ reason = '', signal = 0, exitCode = 0 }: Terminated): string {
  if (reason !== '') return reason;
  return signal === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`;
}

function summarizeContainers(
  status: PodStatus,
  before: string,
): { reason: string; ready: number; restarts: number; lastRestart: string | undefined } {
  let reason = before;
  let ready = 0;
  let restarts = 0;
  let lastRestart: string | undefined;
  let running = false;
  let failed = '';
  for (const container of (status.containerStatuses ?? []).toReversed()) {
    restarts += container.restartCount ?? 0;
    lastRestart = later(lastRestart, container.lastState?.terminated?.finishedAt);
    const { waiting, terminated, running: runs } = container.state ?? {};
    if ((waiting?.reason ?? '') !== '') reason = waiting!.reason!;
    else if (terminated !== undefined) {
      reason = exitWord(terminated);
      if ((terminated.exitCode ?? 0) !== 0) failed = reason;
    } else if (container.ready === true && runs !== undefined) {
      running = true;
      ready++;
    }
  }
  if (reason === 'Completed') {
    if (running && isTrue(status, 'Ready')) reason = 'Running';
    else if (failed !== '') reason = failed;
    else if (running) reason = 'NotReady';
  }
  return { reason, ready, restarts, lastRestart };
}

function restartsCell(pod: KubernetesObject, nowSeconds: number): string {
  const { restarts, lastRestart } = summarizePod(pod);
  const at = lastRestart === undefined ? undefined : parseTime(lastRestart);
  return restarts === 0 || at === undefined
    ? String(restarts)
    : `${restarts} (${humanDuration(nowSeconds - at)} ago)`;
}

function readinessGates(pod: KubernetesObject): string {
  const gates = specOf(pod).readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const met = gates.filter(({ conditionType }) => isTrue(statusOf(pod), conditionType ?? '')).length;
  return `${met}/${gates.length}`;
}

export const podColumns: readonly TableColumn[] = [
  nameColumn,
  text('Ready', (pod) => {
    const { ready, total } = summarizePod(pod);
    return `${ready}/${total}`;
  }),
  text('Status', (pod) => summarizePod(pod).reason),
  text('Restarts', restartsCell),
  ageColumn,
  text('IP', (pod) => orNone(statusOf(pod).podIPs?.[0]?.ip ?? statusOf(pod).podIP), 1),
  text('Node', (pod) => orNone(specOf(pod).nodeName), 1),
  text('Nominated Node', (pod) => orNone(statusOf(pod).nominatedNodeName), 1),
  text('Readiness Gates', readinessGates, 1),
];
