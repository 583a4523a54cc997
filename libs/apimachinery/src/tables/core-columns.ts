import type { KubernetesObject, TableColumn } from '../types.js';
import { ageColumn, ageOf, integer, nameColumn, orNone, text } from './default-columns.js';
import { formatLabels } from './workload-columns.js';

const part = <T>(object: KubernetesObject, field: string): T => (object[field] ?? {}) as T;

interface NodeStatus {
  conditions?: { type?: string; status?: string }[];
  addresses?: { type?: string; address?: string }[];
  nodeInfo?: {
    kubeletVersion?: string;
    osImage?: string;
    kernelVersion?: string;
    architecture?: string;
    containerRuntimeVersion?: string;
  };
}

const nodeStatus = (node: KubernetesObject): NodeStatus => part(node, 'status');

function nodeState(node: KubernetesObject): string {
  const ready = nodeStatus(node).conditions?.find(({ type }) => type === 'Ready');
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return part<{ unschedulable?: boolean }>(node, 'spec').unschedulable === true
    ? `${word},SchedulingDisabled`
    : word;
}

const rolePrefix = 'node-role.kubernetes.io/';

function nodeRoles(node: KubernetesObject): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return orNone([...roles].sort().join(','));
}

const address = (node: KubernetesObject, wanted: string): string =>
  orNone(nodeStatus(node).addresses?.find(({ type }) => type === wanted)?.address);

const orUnknown = (value: string | undefined): string =>
  value === undefined || value === '' ? '<unknown>' : value;

export const nodeColumns: readonly TableColumn[] = [
  nameColumn,
  text('Status', nodeState),
  text('Roles', nodeRoles),
  ageColumn,
  text('Version', (o) => nodeStatus(o).nodeInfo?.kubeletVersion ?? ''),
  text('Internal-IP', (o) => address(o, 'InternalIP'), 1),
  text('External-IP', (o) => address(o, 'ExternalIP'), 1),
  text('OS-Image', (o) => orUnknown(nodeStatus(o).nodeInfo?.osImage), 1),
  text(
    'Kernel-Version',
    (o) => {
      const { kernelVersion, architecture = '' } = nodeStatus(o).nodeInfo ?? {};
      return orUnknown(kernelVersion) + (architecture === '' ? '' : ` (${architecture})`);
    },
    1,
  ),
  text('Container-Runtime', (o) => orUnknown(nodeStatus(o).nodeInfo?.containerRuntimeVersion), 1),
];

interface ServiceSpec {
  type?: string;
  clusterIPs?: string[];
  clusterIP?: string;
  externalIPs?: string[];
  externalName?: string;
  selector?: Record<string, string>;
  ports?: { port?: number; nodePort?: number; protocol?: string }[];
}

const serviceSpec = (service: KubernetesObject): ServiceSpec => part(service, 'spec');

function externalIp(service: KubernetesObject): string {
  const { type = 'ClusterIP', externalIPs = [], externalName = '' } = serviceSpec(service);
  if (type === 'ExternalName') return externalName;
  if (type !== 'LoadBalancer') return orNone(externalIPs.join(','));
  const { loadBalancer } = part<{ loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } }>(
    service,
    'status',
  );
  const given = (loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
  const all = [...given, ...externalIPs].join(',');
  return all === '' ? '<pending>' : all;
}

function servicePorts(service: KubernetesObject): string {
  const ports = (serviceSpec(service).ports ?? []).map(({ port = 0, nodePort, protocol = 'TCP' }) =>
    nodePort === undefined ? `${port}/${protocol}` : `${port}:${nodePort}/${protocol}`,
  );
  return orNone(ports.join(','));
}

export const serviceColumns: readonly TableColumn[] = [
  nameColumn,
  text('Type', (o) => serviceSpec(o).type ?? ''),
  text('Cluster-IP', (o) => orNone(serviceSpec(o).clusterIPs?.[0] ?? serviceSpec(o).clusterIP)),
  text('External-IP', externalIp),
  text('Port(s)', servicePorts),
  ageColumn,
  text('Selector', (o) => formatLabels(serviceSpec(o).selector), 1),
];

export const namespaceColumns: readonly TableColumn[] = [
  nameColumn,
  text('Status', (o) => part<{ phase?: string }>(o, 'status').phase ?? ''),
  ageColumn,
];

const size = (object: KubernetesObject, field: string): number =>
  Object.keys(part<object>(object, field)).length;

export const configMapColumns: readonly TableColumn[] = [
  nameColumn,
  text('Data', (o) => size(o, 'data') + size(o, 'binaryData')),
  ageColumn,
];

export const secretColumns: readonly TableColumn[] = [
  nameColumn,
  text('Type', (o) => (o['type'] as string | undefined) ?? 'Opaque'),
  text('Data', (o) => size(o, 'data')),
  ageColumn,
];

export const nameAndAge: readonly TableColumn[] = [nameColumn, ageColumn];

interface Event {
  lastTimestamp?: string;
  firstTimestamp?: string;
  eventTime?: string;
  series?: { lastObservedTime?: string; count?: number };
  count?: number;
  type?: string;
  reason?: string;
  message?: string;
  involvedObject?: { kind?: string; name?: string; fieldPath?: string };
  source?: { component?: string; host?: string };
  reportingComponent?: string;
  reportingInstance?: string;
}

const eventOf = (object: KubernetesObject): Event => object as Event;

function lastSeen(object: KubernetesObject, now: number): string {
  const { series, lastTimestamp, firstTimestamp, eventTime } = eventOf(object);
  if (series !== undefined) return ageOf(series.lastObservedTime, now);
  return ageOf(lastTimestamp ?? firstTimestamp ?? eventTime, now);
}

function eventSource(object: KubernetesObject): string {
  const { source, reportingComponent = '', reportingInstance = '' } = eventOf(object);
  const component = source?.component ?? reportingComponent;
  const instance = source?.host ?? reportingInstance;
  return instance === '' ? component : `${component}, ${instance}`;
}

function eventTarget(object: KubernetesObject): string {
  const { kind = '', name = '' } = eventOf(object).involvedObject ?? {};
  return name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

export const eventColumns: readonly TableColumn[] = [
  text('Last Seen', lastSeen),
  text('Type', (o) => eventOf(o).type ?? ''),
  text('Reason', (o) => eventOf(o).reason ?? ''),
  text('Object', eventTarget),
  text('Subobject', (o) => eventOf(o).involvedObject?.fieldPath ?? '', 1),
  text('Source', eventSource, 1),
  text('Message', (o) => (eventOf(o).message ?? '').trim()),
  text('First Seen', (o, now) => ageOf(eventOf(o).firstTimestamp ?? eventOf(o).eventTime, now), 1),
  text('Count', (o) => String(eventOf(o).series?.count ?? eventOf(o).count ?? 1), 1),
  { ...nameColumn, priority: 1 },
];

/** At most three, then how many more. */
function firstThree(list: readonly string[]): string {
  if (list.length === 0) return '<none>';
  if (list.length <= 3) return list.join(',');
  return `${list.slice(0, 3).join(',')} + ${list.length - 3} more...`;
}

const joinHostPort = (ip: string, port: number): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;

function endpointList(object: KubernetesObject): string {
  const subsets = (object['subsets'] ?? []) as {
    addresses?: { ip?: string }[];
    ports?: { port?: number }[];
  }[];
  if (subsets.length === 0) return '<none>';
  const list: string[] = [];
  for (const { addresses = [], ports = [] } of subsets) {
    if (ports.length === 0) for (const { ip = '' } of addresses) list.push(ip);
    for (const { port = 0 } of ports) for (const { ip = '' } of addresses) list.push(joinHostPort(ip, port));
  }
  return list.length === 0 ? '' : firstThree(list);
}

export const endpointsColumns: readonly TableColumn[] = [
  nameColumn,
  text('Endpoints', endpointList),
  ageColumn,
];

const unset = (value: string): string => (value === '<none>' ? '<unset>' : value);

export const endpointSliceColumns: readonly TableColumn[] = [
  nameColumn,
  text('AddressType', (o) => (o['addressType'] as string | undefined) ?? ''),
  text('Ports', (o) => {
    const ports = (o['ports'] ?? []) as { port?: number; name?: string }[];
    return unset(firstThree(ports.map(({ port, name = '*' }) => (port === undefined ? name : String(port)))));
  }),
  text('Endpoints', (o) => {
    const endpoints = (o['endpoints'] ?? []) as { addresses?: string[] }[];
    return unset(firstThree(endpoints.flatMap(({ addresses = [] }) => addresses)));
  }),
  ageColumn,
];

interface Quota {
  hard?: Record<string, string>;
  used?: Record<string, string>;
}

function quotaCell(object: KubernetesObject, limits: boolean): string {
  const { hard = {}, used = {} } = part<Quota>(object, 'status');
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

export const resourceQuotaColumns: readonly TableColumn[] = [
  nameColumn,
  text('Request', (o) => quotaCell(o, false)),
  text('Limit', (o) => quotaCell(o, true)),
  ageColumn,
];

export const ingressClassColumns: readonly TableColumn[] = [
  nameColumn,
  text('Controller', (o) => part<{ controller?: string }>(o, 'spec').controller ?? ''),
  text('Parameters', (o) => {
    const { parameters } = part<{ parameters?: { kind?: string; apiGroup?: string; name?: string } }>(
      o,
      'spec',
    );
    if (parameters === undefined) return '<none>';
    const { kind = '', apiGroup, name = '' } = parameters;
    return `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`;
  }),
  ageColumn,
];

export const csrColumns: readonly TableColumn[] = [
  nameColumn,
  ageColumn,
  text('SignerName', (o) => orNone(part<{ signerName?: string }>(o, 'spec').signerName)),
  text('Requestor', (o) => part<{ username?: string }>(o, 'spec').username ?? ''),
  text('RequestedDuration', (o) => {
    const { expirationSeconds } = part<{ expirationSeconds?: number }>(o, 'spec');
    return expirationSeconds === undefined ? '<none>' : `${expirationSeconds}s`;
  }),
  text('Condition', (o) => {
    const { conditions = [], certificate } = part<{ conditions?: { type?: string }[]; certificate?: string }>(
      o,
      'status',
    );
    const has = (wanted: string): boolean => conditions.some(({ type }) => type === wanted);
    const words = ['Approved', 'Denied', 'Failed'].filter(has);
    if (words.length === 0) words.push('Pending');
    if (certificate !== undefined) words.push('Issued');
    return words.join(',');
  }),
];

export const runtimeClassColumns: readonly TableColumn[] = [
  nameColumn,
  text('Handler', (o) => (o['handler'] as string | undefined) ?? ''),
  ageColumn,
];

export const webhookColumns: readonly TableColumn[] = [
  nameColumn,
  integer('Webhooks', (o) => ((o['webhooks'] ?? []) as unknown[]).length),
  ageColumn,
];
