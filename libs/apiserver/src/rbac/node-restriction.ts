import { forbidden, type ApiError, type KubernetesObject } from '#libs/apimachinery';
import type { UserInfo } from '../request.js';
import type { ObjectLookup } from '../serviceaccount/object-lookup.js';
import { nodeNameOf } from './node-authorizer.js';
import { podReferences } from './pod-references.js';

/** A write, as admission sees it: after defaulting, before storing. */
export interface NodeWrite {
  readonly user: UserInfo;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** Of the path; for a create that of the object. */
  readonly name: string;
  /** Undefined on delete. */
  readonly object: KubernetesObject | undefined;
  /** Undefined on create. */
  readonly previous: KubernetesObject | undefined;
}

/** Labels in Kubernetes' own domains that a node may set on itself. */
const allowedLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.kubernetes.io/region',
  'failure-domain.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);

function isRestrictedLabel(label: string): boolean {
  const domain = label.includes('/') ? label.slice(0, label.indexOf('/')) : '';
  const under = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (under('node-restriction.kubernetes.io')) return true;
  if (!under('kubernetes.io') && !under('k8s.io')) return false;
  return !allowedLabels.has(label) && !under('kubelet.kubernetes.io') && !under('node.kubernetes.io');
}

const equal = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
const fieldOf = (object: KubernetesObject | undefined, field: string): unknown =>
  (object?.['spec'] as Record<string, unknown> | undefined)?.[field];

/**
 * NodeRestriction: a node's credentials change only its own Node, Lease and CSINode and pods bound to it; not the taints,
 * owners or protected labels by which others decide about the node. Called by admission for each write; returns at once
 * for all but nodes. Throws ApiError 403.
 * Source: Kubernetes documentation, "Admission Controllers", NodeRestriction; CVE-2025-5187, CVE-2025-4563.
 */
export function checkNodeRestriction(write: NodeWrite, lookup: ObjectLookup): void {
  const node = nodeNameOf(write.user);
  if (node === undefined) return;
  switch (write.group === '' ? write.resource : `${write.resource}.${write.group}`) {
    case 'pods':
      return checkPod(node, write, lookup);
    case 'nodes':
      return checkNode(node, write);
    case 'persistentvolumeclaims':
      return checkClaim(node, write);
    case 'serviceaccounts':
      return checkToken(node, write, lookup);
    case 'leases.coordination.k8s.io':
      if (write.namespace !== 'kube-node-lease') {
        throw refused(write, `can only access leases in the "kube-node-lease" system namespace`);
      }
      return checkOwnName(node, write);
    case 'csinodes.storage.k8s.io':
      return checkOwnName(node, write);
    default:
  }
}

function refused(write: NodeWrite, why: string): ApiError {
  return forbidden(write, write.name, why);
}

function checkOwnName(node: string, write: NodeWrite): void {
  const name = write.operation === 'CREATE' ? (write.object?.metadata.name ?? write.name) : write.name;
  if (name !== node) {
    throw refused(
      write,
      `node ${JSON.stringify(node)} can only access its own ${write.resource}, not ${JSON.stringify(name)}`,
    );
  }
}

function checkPod(node: string, write: NodeWrite, lookup: ObjectLookup): void {
  const { operation, subresource, object, previous } = write;
  const boundHere = (pod: KubernetesObject | undefined): boolean => fieldOf(pod, 'nodeName') === node;
  if (subresource === '' && operation === 'CREATE') return checkMirrorPod(node, write, lookup);
  if (subresource === '' && operation === 'DELETE') {
    if (!boundHere(previous)) {
      throw refused(
        write,
        `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`,
      );
    }
    return;
  }
  if (subresource === 'status' && operation === 'UPDATE') {
    if (!boundHere(previous)) {
      throw refused(
        write,
        `node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`,
      );
    }
    if (!equal(object?.metadata.labels, previous?.metadata.labels)) {
      throw refused(write, `node ${JSON.stringify(node)} cannot update labels through pod status`);
    }
    return;
  }
  if (subresource === 'eviction' && operation === 'CREATE') {
    const pod = lookup.find('pods', write.namespace, write.name)?.object();
    if (pod !== undefined && boundHere(pod)) return;
    throw refused(write, `node ${JSON.stringify(node)} can only evict pods with spec.nodeName set to itself`);
  }
  throw refused(
    write,
    `unexpected operation ${operation} on pods${subresource === '' ? '' : `/${subresource}`}, node ${JSON.stringify(node)} can only create and delete mirror pods`,
  );
}

/** A pod that stands for one of the kubelet's own files: it may use nothing of the cluster. */
function checkMirrorPod(node: string, write: NodeWrite, lookup: ObjectLookup): void {
  const pod = write.object;
  if (pod?.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined) {
    throw refused(
      write,
      `pod does not have "kubernetes.io/config.mirror" annotation, node ${JSON.stringify(node)} can only create mirror pods`,
    );
  }
  if (fieldOf(pod, 'nodeName') !== node) {
    throw refused(
      write,
      `node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`,
    );
  }
  const owners = pod.metadata.ownerReferences ?? [];
  const owner = owners[0];
  const uid = lookup.find('nodes', '', node)?.object().metadata.uid;
  const ownedByNode =
    owner?.apiVersion === 'v1' &&
    owner.kind === 'Node' &&
    owner.name === node &&
    owner.uid === uid &&
    owner.blockOwnerDeletion !== true;
  if (owners.length > 1 || (owner !== undefined && !ownedByNode)) {
    throw refused(
      write,
      `node ${JSON.stringify(node)} can only create pods with an owner reference set to itself`,
    );
  }
  const account = fieldOf(pod, 'serviceAccountName');
  if (account !== undefined && account !== '') {
    throw refused(write, `node ${JSON.stringify(node)} can not create pods that reference a service account`);
  }
  const { 'kubernetes.io/config.mirror': _mirror, ...annotations } = pod.metadata.annotations;
  const plain = { ...pod, metadata: { ...pod.metadata, annotations } };
  for (const reference of podReferences(plain)?.references ?? []) {
    const resource = reference.slice(0, reference.indexOf('/'));
    if (resource === 'pods' || resource === 'serviceaccounts') continue;
    throw refused(write, `node ${JSON.stringify(node)} can not create pods that reference ${resource}`);
  }
}

function checkNode(node: string, write: NodeWrite): void {
  const { operation, subresource, object, previous } = write;
  checkOwnName(node, write);
  if (operation === 'DELETE')
    throw refused(write, `node ${JSON.stringify(node)} is not allowed to delete its Node object`);
  if (object === undefined) return;
  const labels = object.metadata.labels ?? {};
  const before = operation === 'CREATE' ? {} : (previous?.metadata.labels ?? {});
  const changed = [...new Set([...Object.keys(labels), ...Object.keys(before)])].filter(
    (label) => labels[label] !== before[label] && isRestrictedLabel(label),
  );
  if (changed.length > 0) {
    throw refused(
      write,
      `is not allowed to ${operation === 'CREATE' ? 'set' : 'modify'} labels: ${changed.sort().join(', ')}`,
    );
  }
  if (operation === 'CREATE') {
    if ((object.metadata.ownerReferences ?? []).length > 0) {
      throw refused(write, `node ${JSON.stringify(node)} is not allowed to set owner references`);
    }
    return;
  }
  if (!equal(object.metadata.ownerReferences, previous?.metadata.ownerReferences)) {
    throw refused(write, `node ${JSON.stringify(node)} is not allowed to modify owner references`);
  }
  if (subresource === '' && !equal(fieldOf(object, 'taints'), fieldOf(previous, 'taints'))) {
    throw refused(write, `node ${JSON.stringify(node)} is not allowed to modify taints`);
  }
}

function checkClaim(node: string, write: NodeWrite): void {
  if (write.subresource !== 'status' || write.operation !== 'UPDATE') {
    throw refused(
      write,
      `unexpected operation ${write.operation}, node ${JSON.stringify(node)} can only update the status of persistentvolumeclaims`,
    );
  }
  const { object, previous } = write;
  // The server drops all but the status; metadata is what a status update could still carry.
  const owned = (claim: KubernetesObject | undefined): unknown => [
    claim?.metadata.labels,
    claim?.metadata.annotations,
    claim?.metadata.ownerReferences,
    claim?.metadata.finalizers,
    claim?.['spec'],
  ];
  if (!equal(owned(object), owned(previous))) {
    throw refused(write, `node ${JSON.stringify(node)} is not allowed to update fields other than status`);
  }
}

/** Tokens of service accounts: only bound to a pod that runs here, by uid. */
function checkToken(node: string, write: NodeWrite, lookup: ObjectLookup): void {
  if (write.subresource !== 'token' || write.operation !== 'CREATE') return;
  const reference = fieldOf(write.object, 'boundObjectRef') as
    { apiVersion?: string; kind?: string; name?: string; uid?: string } | undefined | null;
  if (reference?.apiVersion !== 'v1' || reference.kind !== 'Pod' || (reference.name ?? '') === '') {
    throw refused(write, `node requested token not bound to a pod`);
  }
  if ((reference.uid ?? '') === '')
    throw refused(write, 'node requested token with a pod binding without a uid');
  const pod = lookup.find('pods', write.namespace, reference.name ?? '')?.object();
  if (pod === undefined || pod.metadata.uid !== reference.uid) {
    throw refused(write, 'node requested token bound to a pod that does not exist');
  }
  if (fieldOf(pod, 'nodeName') !== node) {
    throw refused(write, 'node requested token bound to a pod scheduled on a different node');
  }
}
