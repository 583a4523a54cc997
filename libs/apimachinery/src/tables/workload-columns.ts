import { parseTime } from '../decode/time.js';
import type { Container, LabelSelector, PodTemplateSpec } from '../kinds/common/pod-types.js';
import type { KubernetesObject, TableColumn } from '../types.js';
import { ageColumn, ageOf, integer, nameColumn, orNone, text } from './default-columns.js';
import { humanDuration } from './duration.js';

interface Spec {
  replicas?: number;
  selector?: LabelSelector | Record<string, string>;
  template?: PodTemplateSpec;
  completions?: number;
  parallelism?: number;
  schedule?: string;
  timeZone?: string;
  suspend?: boolean;
  jobTemplate?: { spec?: Spec };
}

interface Status {
  replicas?: number;
  readyReplicas?: number;
  updatedReplicas?: number;
  availableReplicas?: number;
  desiredNumberScheduled?: number;
  currentNumberScheduled?: number;
  numberReady?: number;
  updatedNumberScheduled?: number;
  numberAvailable?: number;
  succeeded?: number;
  startTime?: string;
  completionTime?: string;
  lastScheduleTime?: string;
  active?: unknown[];
  conditions?: { type?: string; status?: string }[];
}

const specOf = (object: KubernetesObject): Spec => (object['spec'] ?? {}) as Spec;
const statusOf = (object: KubernetesObject): Status => (object['status'] ?? {}) as Status;

/** `a=b,c in (d,e)`, or `<none>`. */
export function formatSelector(selector: LabelSelector | undefined): string {
  const parts = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key = '', operator, values = [] } of selector?.matchExpressions ?? []) {
    if (operator === 'In') parts.push(`${key} in (${[...values].sort().join(',')})`);
    else if (operator === 'NotIn') parts.push(`${key} notin (${[...values].sort().join(',')})`);
    else parts.push(operator === 'Exists' ? key : `!${key}`);
  }
  return orNone(parts.sort().join(','));
}

/** `a=b,c=d`, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  return formatSelector(labels === undefined ? undefined : { matchLabels: { ...labels } });
}

function containersOf(template: PodTemplateSpec | undefined, pick: (container: Container) => string): string {
  return orNone((template?.spec?.containers ?? []).map(pick).join(','));
}

const containers = text('Containers', (o) => containersOf(specOf(o).template, ({ name = '' }) => name), 1);
const images = text('Images', (o) => containersOf(specOf(o).template, ({ image = '' }) => image), 1);
const selector = text('Selector', (o) => formatSelector(specOf(o).selector as LabelSelector | undefined), 1);
const wide = [containers, images, selector];

export const deploymentColumns: readonly TableColumn[] = [
  nameColumn,
  text('Ready', (o) => `${statusOf(o).readyReplicas ?? 0}/${specOf(o).replicas ?? 0}`),
  text('Up-to-date', (o) => statusOf(o).updatedReplicas ?? 0),
  text('Available', (o) => statusOf(o).availableReplicas ?? 0),
  ageColumn,
  ...wide,
];

const replicaCounts = [
  nameColumn,
  integer('Desired', (o) => specOf(o).replicas ?? 0),
  integer('Current', (o) => statusOf(o).replicas ?? 0),
  integer('Ready', (o) => statusOf(o).readyReplicas ?? 0),
  ageColumn,
  containers,
  images,
];

export const replicaSetColumns: readonly TableColumn[] = [...replicaCounts, selector];

export const replicationControllerColumns: readonly TableColumn[] = [
  ...replicaCounts,
  text('Selector', (o) => formatLabels(specOf(o).selector as Record<string, string> | undefined), 1),
];

export const statefulSetColumns: readonly TableColumn[] = [
  nameColumn,
  text('Ready', (o) => `${statusOf(o).readyReplicas ?? 0}/${specOf(o).replicas ?? 0}`),
  ageColumn,
  containers,
  images,
];

export const daemonSetColumns: readonly TableColumn[] = [
  nameColumn,
  integer('Desired', (o) => statusOf(o).desiredNumberScheduled ?? 0),
  integer('Current', (o) => statusOf(o).currentNumberScheduled ?? 0),
  integer('Ready', (o) => statusOf(o).numberReady ?? 0),
  integer('Up-to-date', (o) => statusOf(o).updatedNumberScheduled ?? 0),
  integer('Available', (o) => statusOf(o).numberAvailable ?? 0),
  text('Node Selector', (o) => formatLabels(specOf(o).template?.spec?.nodeSelector)),
  ageColumn,
  ...wide,
];

function completions(object: KubernetesObject): string {
  const { completions: wanted, parallelism = 0 } = specOf(object);
  const done = statusOf(object).succeeded ?? 0;
  if (wanted !== undefined) return `${done}/${wanted}`;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function duration(object: KubernetesObject, nowSeconds: number): string {
  const { startTime, completionTime } = statusOf(object);
  const start = startTime === undefined ? undefined : parseTime(startTime);
  if (start === undefined) return '';
  const end = completionTime === undefined ? nowSeconds : (parseTime(completionTime) ?? nowSeconds);
  return humanDuration(end - start);
}

function jobStatus(object: KubernetesObject): string {
  const has = (type: string): boolean =>
    statusOf(object).conditions?.some((one) => one.type === type && one.status === 'True') === true;
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  for (const type of ['Suspended', 'FailureTarget', 'SuccessCriteriaMet']) if (has(type)) return type;
  return 'Running';
}

export const jobColumns: readonly TableColumn[] = [
  nameColumn,
  text('Status', jobStatus),
  text('Completions', completions),
  text('Duration', duration),
  ageColumn,
  ...wide,
];

const templateOf = (o: KubernetesObject): PodTemplateSpec | undefined =>
  specOf(o).jobTemplate?.spec?.template;

export const cronJobColumns: readonly TableColumn[] = [
  nameColumn,
  text('Schedule', (o) => specOf(o).schedule ?? ''),
  text('Timezone', (o) => orNone(specOf(o).timeZone)),
  { name: 'Suspend', type: 'boolean', cell: (o) => specOf(o).suspend === true },
  integer('Active', (o) => (statusOf(o).active ?? []).length),
  text('Last Schedule', (o, now) => {
    const { lastScheduleTime } = statusOf(o);
    return lastScheduleTime === undefined ? '<none>' : ageOf(lastScheduleTime, now);
  }),
  ageColumn,
  text('Containers', (o) => containersOf(templateOf(o), ({ name = '' }) => name), 1),
  text('Images', (o) => containersOf(templateOf(o), ({ image = '' }) => image), 1),
  text(
    'Selector',
    (o) => formatSelector(specOf(o).jobTemplate?.spec?.selector as LabelSelector | undefined),
    1,
  ),
];

/** `statefulset.apps/web`: who owns a revision. */
function controllerOf(object: KubernetesObject): string {
  const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return '<none>';
  const slash = owner.apiVersion.indexOf('/');
  const group = slash === -1 ? '' : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

export const controllerRevisionColumns: readonly TableColumn[] = [
  nameColumn,
  text('Controller', controllerOf),
  text('Revision', (o) => (o['revision'] as number | undefined) ?? 0),
  ageColumn,
];
