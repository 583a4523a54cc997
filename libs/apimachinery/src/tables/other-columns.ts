import type { KubernetesObject, TableColumn } from '../types.js';
import { ageColumn, ageOf, integer, nameColumn, orNone, text } from './default-columns.js';
import { formatLabels } from './workload-columns.js';

/** Columns of the kinds that are looked at less often. */
const specOf = <T>(object: KubernetesObject): T => (object['spec'] ?? {}) as T;
const statusOf = <T>(object: KubernetesObject): T => (object['status'] ?? {}) as T;
const boolean = (name: string, cell: (object: KubernetesObject) => boolean): TableColumn => ({
  name,
  type: 'boolean',
  cell,
});

interface ParamKind {
  paramKind?: { apiVersion?: string; kind?: string };
  mutations?: unknown[];
  validations?: unknown[];
}

function paramKind(object: KubernetesObject): string {
  const { paramKind: param } = specOf<ParamKind>(object);
  return param === undefined ? '<unset>' : `${param.apiVersion ?? ''}/${param.kind ?? ''}`;
}

export const mutatingPolicyColumns: readonly TableColumn[] = [
  nameColumn,
  integer('Mutations', (o) => (specOf<ParamKind>(o).mutations ?? []).length),
  text('ParamKind', paramKind),
  ageColumn,
];

export const validatingPolicyColumns: readonly TableColumn[] = [
  nameColumn,
  integer('Validations', (o) => (specOf<ParamKind>(o).validations ?? []).length),
  text('ParamKind', paramKind),
  ageColumn,
];

interface PolicyBinding {
  policyName?: string;
  paramRef?: { name?: string; namespace?: string };
}

export const policyBindingColumns: readonly TableColumn[] = [
  nameColumn,
  text('PolicyName', (o) => specOf<PolicyBinding>(o).policyName ?? ''),
  text('ParamRef', (o) => {
    const { paramRef } = specOf<PolicyBinding>(o);
    if (paramRef === undefined) return '<unset>';
    const { name = '*', namespace } = paramRef;
    return namespace === undefined ? name : `${namespace}/${name}`;
  }),
  ageColumn,
];

interface ApiService {
  service?: { namespace?: string; name?: string };
}
interface Conditions {
  conditions?: { type?: string; status?: string; reason?: string }[];
}

export const apiServiceColumns: readonly TableColumn[] = [
  nameColumn,
  text('Service', (o) => {
    const { service } = specOf<ApiService>(o);
    return service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`;
  }),
  text('Available', (o) => {
    const condition = statusOf<Conditions>(o).conditions?.find(({ type }) => type === 'Available');
    if (condition === undefined) return 'Unknown';
    const { status = 'Unknown', reason = '' } = condition;
    return status === 'True' ? status : `${status} (${reason})`;
  }),
  ageColumn,
];

interface Candidate {
  leaseName?: string;
  binaryVersion?: string;
  emulationVersion?: string;
}

export const leaseCandidateColumns: readonly TableColumn[] = [
  nameColumn,
  text('LeaseName', (o) => specOf<Candidate>(o).leaseName ?? ''),
  text('BinaryVersion', (o) => specOf<Candidate>(o).binaryVersion ?? ''),
  text('EmulationVersion', (o) => specOf<Candidate>(o).emulationVersion ?? ''),
  ageColumn,
];

interface FlowSchema {
  priorityLevelConfiguration?: { name?: string };
  matchingPrecedence?: number;
  distinguisherMethod?: { type?: string };
}

export const flowSchemaColumns: readonly TableColumn[] = [
  nameColumn,
  text('PriorityLevel', (o) => specOf<FlowSchema>(o).priorityLevelConfiguration?.name ?? ''),
  text('MatchingPrecedence', (o) => specOf<FlowSchema>(o).matchingPrecedence ?? 0),
  text('DistinguisherMethod', (o) => orNone(specOf<FlowSchema>(o).distinguisherMethod?.type)),
  ageColumn,
  text(
    'MissingPL',
    (o) => statusOf<Conditions>(o).conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
  ),
];

interface PriorityLevel {
  type?: string;
  limited?: {
    nominalConcurrencyShares?: number;
    limitResponse?: { queuing?: { queues?: number; handSize?: number; queueLengthLimit?: number } };
  };
}

const queuing = (field: 'queues' | 'handSize' | 'queueLengthLimit') => (object: KubernetesObject) =>
  specOf<PriorityLevel>(object).limited?.limitResponse?.queuing?.[field] ?? '<none>';

export const priorityLevelColumns: readonly TableColumn[] = [
  nameColumn,
  text('Type', (o) => specOf<PriorityLevel>(o).type ?? ''),
  text(
    'NominalConcurrencyShares',
    (o) => specOf<PriorityLevel>(o).limited?.nominalConcurrencyShares ?? '<none>',
  ),
  text('Queues', queuing('queues')),
  text('HandSize', queuing('handSize')),
  text('QueueLengthLimit', queuing('queueLengthLimit')),
  ageColumn,
];

interface Parent {
  parentRef?: { group?: string; resource?: string; namespace?: string; name?: string };
}

export const ipAddressColumns: readonly TableColumn[] = [
  nameColumn,
  text('ParentRef', (o) => {
    const { parentRef } = specOf<Parent>(o);
    if (parentRef === undefined) return '';
    const { group = '', resource = '', namespace, name = '' } = parentRef;
    const kind = group === '' ? resource : `${resource}.${group}`;
    return namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
  }),
];

export const serviceCidrColumns: readonly TableColumn[] = [
  nameColumn,
  text('CIDRs', (o) => (specOf<{ cidrs?: string[] }>(o).cidrs ?? []).join(',')),
  ageColumn,
];

interface ClaimStatus {
  allocation?: object;
  reservedFor?: unknown[];
}

export const resourceClaimColumns: readonly TableColumn[] = [
  nameColumn,
  text('State', (o) => {
    const { allocation, reservedFor = [] } = statusOf<ClaimStatus>(o);
    const states = [
      ...(o.metadata.deletionTimestamp === undefined ? [] : ['deleted']),
      ...(allocation === undefined ? [] : ['allocated']),
      ...(reservedFor.length === 0 ? [] : ['reserved']),
    ];
    if (allocation === undefined && reservedFor.length === 0) states.push('pending');
    return states.join(',');
  }),
  ageColumn,
];

interface ResourceSlice {
  nodeName?: string;
  allNodes?: boolean;
  nodeSelector?: object;
  driver?: string;
  pool?: { name?: string };
}

export const resourceSliceColumns: readonly TableColumn[] = [
  nameColumn,
  text('Node', (o) => specOf<ResourceSlice>(o).nodeName ?? '<unset>'),
  text('Driver', (o) => specOf<ResourceSlice>(o).driver ?? ''),
  text('Pool', (o) => specOf<ResourceSlice>(o).pool?.name ?? ''),
  ageColumn,
];

interface TaintRule {
  taint?: { key?: string; value?: string; effect?: string; timeAdded?: string };
}

export const deviceTaintRuleColumns: readonly TableColumn[] = [
  nameColumn,
  text('Key', (o) => specOf<TaintRule>(o).taint?.key ?? ''),
  text('Value', (o) => specOf<TaintRule>(o).taint?.value ?? ''),
  text('Effect', (o) => specOf<TaintRule>(o).taint?.effect ?? ''),
  text('TimeAdded', (o, now) => ageOf(specOf<TaintRule>(o).taint?.timeAdded, now)),
  ageColumn,
];

interface CsiDriver {
  attachRequired?: boolean;
  podInfoOnMount?: boolean;
  storageCapacity?: boolean;
  tokenRequests?: { audience?: string }[];
  requiresRepublish?: boolean;
  volumeLifecycleModes?: string[];
}

export const csiDriverColumns: readonly TableColumn[] = [
  nameColumn,
  boolean('AttachRequired', (o) => specOf<CsiDriver>(o).attachRequired !== false),
  boolean('PodInfoOnMount', (o) => specOf<CsiDriver>(o).podInfoOnMount === true),
  boolean('StorageCapacity', (o) => specOf<CsiDriver>(o).storageCapacity === true),
  text('TokenRequests', (o) => {
    const audiences = (specOf<CsiDriver>(o).tokenRequests ?? []).map(({ audience = '' }) => audience);
    return audiences.length === 0 ? '<unset>' : audiences.join(',');
  }),
  boolean('RequiresRepublish', (o) => specOf<CsiDriver>(o).requiresRepublish === true),
  text('Modes', (o) => orNone((specOf<CsiDriver>(o).volumeLifecycleModes ?? []).join(','))),
  ageColumn,
];

export const csiNodeColumns: readonly TableColumn[] = [
  nameColumn,
  integer('Drivers', (o) => (specOf<{ drivers?: unknown[] }>(o).drivers ?? []).length),
  ageColumn,
];

interface Attachment {
  attacher?: string;
  nodeName?: string;
  source?: { persistentVolumeName?: string };
}

export const volumeAttachmentColumns: readonly TableColumn[] = [
  nameColumn,
  { name: 'Attacher', type: 'string', format: 'name', cell: (o) => specOf<Attachment>(o).attacher ?? '' },
  text('PV', (o) => specOf<Attachment>(o).source?.persistentVolumeName ?? ''),
  text('Node', (o) => specOf<Attachment>(o).nodeName ?? ''),
  boolean('Attached', (o) => statusOf<{ attached?: boolean }>(o).attached === true),
  ageColumn,
];

export const volumeAttributesClassColumns: readonly TableColumn[] = [
  nameColumn,
  text('DriverName', (o) => (o['driverName'] as string | undefined) ?? ''),
  ageColumn,
];

interface Template {
  metadata?: { labels?: Record<string, string> };
  spec?: { containers?: { name?: string; image?: string }[] };
}

const template = (object: KubernetesObject): Template => (object['template'] ?? {}) as Template;

export const podTemplateColumns: readonly TableColumn[] = [
  nameColumn,
  text('Containers', (o) => (template(o).spec?.containers ?? []).map(({ name = '' }) => name).join(',')),
  text('Images', (o) => (template(o).spec?.containers ?? []).map(({ image = '' }) => image).join(',')),
  text('Pod Labels', (o) => formatLabels(template(o).metadata?.labels)),
];
