import type { KubernetesObject, TableColumn } from '../types.js';
import { ageColumn, integer, nameColumn, orNone, text } from './default-columns.js';
import { formatSelector } from './workload-columns.js';
import type { LabelSelector } from '../kinds/common/pod-types.js';

const part = <T>(object: KubernetesObject, field: string): T => (object[field] ?? {}) as T;

interface Budget {
  minAvailable?: number | string;
  maxUnavailable?: number | string;
}

export const podDisruptionBudgetColumns: readonly TableColumn[] = [
  nameColumn,
  text('Min Available', (o) => String(part<Budget>(o, 'spec').minAvailable ?? 'N/A')),
  text('Max Unavailable', (o) => String(part<Budget>(o, 'spec').maxUnavailable ?? 'N/A')),
  integer(
    'Allowed Disruptions',
    (o) => part<{ disruptionsAllowed?: number }>(o, 'status').disruptionsAllowed ?? 0,
  ),
  ageColumn,
];

interface MetricValue {
  value?: string;
  averageValue?: string;
  averageUtilization?: number;
}
interface Metric {
  type?: string;
  resource?: { name?: string; target?: MetricValue; current?: MetricValue };
  containerResource?: { name?: string; target?: MetricValue; current?: MetricValue };
  pods?: { target?: MetricValue; current?: MetricValue };
  object?: { target?: MetricValue; current?: MetricValue };
  external?: { target?: MetricValue; current?: MetricValue };
}

interface HpaSpec {
  scaleTargetRef?: { kind?: string; name?: string };
  minReplicas?: number;
  maxReplicas?: number;
  metrics?: Metric[];
}

function formatMetric(metric: Metric, status: Metric | undefined): string {
  const unknown = '<unknown>';
  const resource = metric.resource ?? metric.containerResource;
  if (resource !== undefined) {
    const current = (status?.resource ?? status?.containerResource)?.current;
    const { averageValue, averageUtilization } = resource.target ?? {};
    const name = resource.name ?? '';
    if (averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${averageValue}`;
    const now = current?.averageUtilization;
    const goal = averageUtilization === undefined ? '<auto>' : `${averageUtilization}%`;
    return `${name}: ${now === undefined ? unknown : `${now}%`}/${goal}`;
  }
  if (metric.pods !== undefined)
    return `${status?.pods?.current?.averageValue ?? unknown}/${metric.pods.target?.averageValue ?? '0'}`;
  const source = metric.object ?? metric.external;
  if (source === undefined) return '<unknown type>';
  const current = (status?.object ?? status?.external)?.current;
  const { averageValue, value } = source.target ?? {};
  if (averageValue !== undefined) return `${current?.averageValue ?? unknown}/${averageValue} (avg)`;
  return `${current?.value ?? unknown}/${value ?? '0'}`;
}

function formatMetrics(object: KubernetesObject): string {
  const { metrics = [] } = part<HpaSpec>(object, 'spec');
  const { currentMetrics = [] } = part<{ currentMetrics?: Metric[] }>(object, 'status');
  const list = metrics.map((metric, index) => formatMetric(metric, currentMetrics[index]));
  if (list.length === 0) return '<none>';
  return list.length <= 2 ? list.join(', ') : `${list.slice(0, 2).join(', ')} + ${list.length - 2} more...`;
}

export const horizontalPodAutoscalerColumns: readonly TableColumn[] = [
  nameColumn,
  text('Reference', (o) => {
    const { kind = '', name = '' } = part<HpaSpec>(o, 'spec').scaleTargetRef ?? {};
    return `${kind}/${name}`;
  }),
  text('Targets', formatMetrics),
  text('MinPods', (o) => String(part<HpaSpec>(o, 'spec').minReplicas ?? '<unset>')),
  text('MaxPods', (o) => part<HpaSpec>(o, 'spec').maxReplicas ?? 0),
  text('Replicas', (o) => part<{ currentReplicas?: number }>(o, 'status').currentReplicas ?? 0),
  ageColumn,
];

interface Binding {
  roleRef?: { kind?: string; name?: string };
  subjects?: { kind?: string; name?: string; namespace?: string }[];
}

function subjects(object: KubernetesObject, wanted: string): string {
  return ((object as Binding).subjects ?? [])
    .filter(({ kind }) => kind === wanted)
    .map(({ name = '', namespace = '' }) => (wanted === 'ServiceAccount' ? `${namespace}/${name}` : name))
    .join(', ');
}

export const bindingColumns: readonly TableColumn[] = [
  nameColumn,
  text('Role', (o) => {
    const { kind = '', name = '' } = (o as Binding).roleRef ?? {};
    return `${kind}/${name}`;
  }),
  ageColumn,
  text('Users', (o) => subjects(o, 'User'), 1),
  text('Groups', (o) => subjects(o, 'Group'), 1),
  text('ServiceAccounts', (o) => subjects(o, 'ServiceAccount'), 1),
];

interface IngressSpec {
  ingressClassName?: string;
  rules?: { host?: string }[];
  tls?: unknown[];
}

function hosts(object: KubernetesObject): string {
  const { rules = [] } = part<IngressSpec>(object, 'spec');
  const named = rules.slice(0, 3).flatMap(({ host = '' }) => (host === '' ? [] : [host]));
  if (named.length === 0) return '*';
  return rules.length > 3 ? `${named.join(',')} + ${rules.length - 3} more...` : named.join(',');
}

export const ingressColumns: readonly TableColumn[] = [
  nameColumn,
  text('Class', (o) => orNone(part<IngressSpec>(o, 'spec').ingressClassName)),
  text('Hosts', hosts),
  text('Address', (o) => {
    const { loadBalancer } = part<{ loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } }>(
      o,
      'status',
    );
    return (loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '').join(',');
  }),
  text('Ports', (o) => ((part<IngressSpec>(o, 'spec').tls ?? []).length === 0 ? '80' : '80, 443')),
  ageColumn,
];

export const networkPolicyColumns: readonly TableColumn[] = [
  nameColumn,
  text('Pod-Selector', (o) => formatSelector(part<{ podSelector?: LabelSelector }>(o, 'spec').podSelector)),
  ageColumn,
];

export const priorityClassColumns: readonly TableColumn[] = [
  nameColumn,
  integer('Value', (o) => (o['value'] as number | undefined) ?? 0),
  { name: 'Global-Default', type: 'boolean', cell: (o) => o['globalDefault'] === true },
  ageColumn,
  text('PreemptionPolicy', (o) => (o['preemptionPolicy'] as string | undefined) ?? ''),
];

export const leaseColumns: readonly TableColumn[] = [
  nameColumn,
  text('Holder', (o) => part<{ holderIdentity?: string }>(o, 'spec').holderIdentity ?? ''),
  ageColumn,
];
