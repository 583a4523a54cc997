import {
  compileNodeSelector,
  compileNodeSelectorTerm,
  selectorFromLabels,
  type NodePredicate,
} from '#libs/apimachinery';
import type {
  Container,
  Pod,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from '#libs/client';
import { podMatchOf } from './affinity-term.js';
import type { HostPort } from './host-ports.js';
import type { LabelClass } from './label-class.js';
import { podNonZeroRequests, podRequests, type Resources } from './resources.js';
import type { TopologyIndex } from './topology-index.js';
import type { TopologyTerm } from './topology-term.js';

export interface WeightedTerm {
  readonly term: TopologyTerm;
  readonly weight: number;
}

/**
 * What pods made from one template have in common, compiled once: requests, ports, predicates, terms. Nothing here
 * depends on a pod's name. Plugins keep what they derive from it in `derived`.
 */
export interface PodShape {
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly labelClass: LabelClass;
  readonly priority: number;
  readonly mayPreempt: boolean;
  readonly requests: Resources;
  readonly nonZeroRequests: Resources;
  readonly hostPorts: readonly HostPort[];
  readonly tolerations: readonly Toleration[];
  /** nodeSelector and required node affinity together; undefined where every node will do. */
  readonly requiredNodes: NodePredicate | undefined;
  /** Canonical text of what `requiredNodes` was compiled from. */
  readonly requiredNodesText: string;
  /** The only nodes that can qualify, where the affinity names them by field. */
  readonly requiredNodeNames: ReadonlySet<string> | undefined;
  readonly preferredNodes: readonly { readonly weight: number; readonly matches: NodePredicate }[];
  readonly spread: readonly TopologySpreadConstraint[];
  /** Required affinity: each counts pods that match all of the required affinity terms. */
  readonly wanting: readonly TopologyTerm[];
  /** Required anti-affinity. */
  readonly refusing: readonly TopologyTerm[];
  /** Preferences, anti-affinity negative. */
  readonly preferring: readonly WeightedTerm[];
  /** How this pod, once placed, weighs on others that its terms match (preferences, and 1 for each required affinity). */
  readonly liking: readonly WeightedTerm[];
  readonly images: readonly string[];
  readonly containerCount: number;
  readonly claimNames: readonly string[];
  readonly owner: { readonly apiVersion: string; readonly kind: string; readonly name: string } | undefined;
  readonly derived: Map<string, unknown>;
  /** Terms to give back with the shape; plugins add theirs. */
  readonly terms: TopologyTerm[];
  /** Pods of this shape that are known. */
  users: number;
}

/** Weight of an existing pod's required affinity when nodes are scored (HardPodAffinityWeight). */
const hardAffinityWeight = 1;

/** Texts equal: shapes equal. Leaves out what differs from pod to pod of one template and concerns no plugin. */
export function shapeKeyOf(pod: Pod): string {
  const { spec, metadata } = pod;
  const owner = controllerOf(pod);
  return JSON.stringify([
    metadata.namespace,
    metadata.labels,
    owner === undefined ? undefined : [owner.apiVersion, owner.kind, owner.name],
    spec.priority,
    spec.preemptionPolicy,
    spec.nodeSelector,
    spec.affinity,
    spec.tolerations,
    spec.topologySpreadConstraints,
    spec.overhead,
    spec['resources'],
    spec.containers.map(containerKey),
    spec.initContainers?.map(containerKey),
    spec.volumes?.some(usesClaim) === true ? claimNamesOf(pod) : undefined,
  ]);
}

function containerKey({ image, resources, ports, restartPolicy }: Container): unknown[] {
  return [
    image,
    resources?.requests,
    ports?.some((port) => (port.hostPort ?? 0) > 0) ? ports : 0,
    restartPolicy,
  ];
}

export function makeShape(pod: Pod, key: string, index: TopologyIndex): PodShape {
  const { spec, metadata } = pod;
  const namespace = metadata.namespace ?? '';
  const labels = metadata.labels ?? {};
  const terms = affinityTerms(pod, namespace, labels, index);
  return {
    key,
    namespace,
    labels,
    labelClass: index.acquireClass(namespace, labels),
    priority: spec.priority ?? 0,
    mayPreempt: spec.preemptionPolicy !== 'Never',
    requests: podRequests(spec),
    nonZeroRequests: podNonZeroRequests(spec),
    hostPorts: hostPortsOf(spec),
    tolerations: spec.tolerations ?? [],
    ...nodeRequirements(spec),
    preferredNodes: preferredNodes(spec),
    spread: spec.topologySpreadConstraints ?? [],
    ...terms,
    images: [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ image }) =>
      image === undefined ? [] : [normalizedImage(image)],
    ),
    containerCount: spec.containers.length + (spec.initContainers?.length ?? 0),
    claimNames: claimNamesOf(pod),
    owner: controllerOf(pod),
    derived: new Map(),
    terms: [
      ...terms.wanting,
      ...terms.refusing,
      ...terms.preferring.map(({ term }) => term),
      ...terms.liking.map(({ term }) => term),
    ],
    users: 0,
  };
}

function affinityTerms(
  { spec }: Pod,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  index: TopologyIndex,
): Pick<PodShape, 'wanting' | 'refusing' | 'preferring' | 'liking'> {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const match = (term: PodAffinityTerm) => podMatchOf(term, namespace, labels);
  const acquire = (term: PodAffinityTerm): TopologyTerm =>
    index.acquireTerm({ topologyKey: term.topologyKey, pods: [match(term)], skipTerminating: false });
  const required = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const all = required.map(match);
  const preferences = (): WeightedTerm[] => [
    ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ weight, podAffinityTerm }) => ({ weight, term: acquire(podAffinityTerm) }),
    ),
    ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ weight, podAffinityTerm }) => ({ weight: -weight, term: acquire(podAffinityTerm) }),
    ),
  ];
  return {
    wanting: required.map(({ topologyKey }) =>
      index.acquireTerm({ topologyKey, pods: all, skipTerminating: false }),
    ),
    refusing: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(acquire),
    preferring: preferences(),
    liking: [
      ...preferences(),
      ...required.map((term) => ({ weight: hardAffinityWeight, term: acquire(term) })),
    ],
  };
}

function nodeRequirements(
  spec: PodSpec,
): Pick<PodShape, 'requiredNodes' | 'requiredNodesText' | 'requiredNodeNames'> {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const hasLabels = spec.nodeSelector !== undefined && Object.keys(spec.nodeSelector).length > 0;
  const byLabels = hasLabels ? selectorFromLabels(spec.nodeSelector ?? {}).matches : undefined;
  const byTerms = required === undefined ? undefined : compileNodeSelector(required);
  const requiredNodes: NodePredicate | undefined =
    byLabels === undefined
      ? byTerms
      : byTerms === undefined
        ? (node) => byLabels(node.labels)
        : (node) => byLabels(node.labels) && byTerms(node);
  return {
    requiredNodes,
    requiredNodesText:
      requiredNodes === undefined ? '' : JSON.stringify([hasLabels ? spec.nodeSelector : {}, required]),
    requiredNodeNames: namedNodes(required?.nodeSelectorTerms),
  };
}

type NodeTerms = readonly {
  readonly matchFields?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}[];

/** Where every term names its node, as those of a DaemonSet's pods do, no other node need be looked at. */
function namedNodes(terms: NodeTerms | undefined): ReadonlySet<string> | undefined {
  if (terms === undefined || terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields } of terms) {
    const field = matchFields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (field === undefined) return undefined;
    for (const name of field.values ?? []) names.add(name);
  }
  return names;
}

function preferredNodes(spec: PodSpec): PodShape['preferredNodes'] {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred
    .filter(({ weight }) => weight !== 0)
    .map(({ weight, preference }) => ({ weight, matches: compileNodeSelectorTerm(preference) }));
}

function hostPortsOf(spec: PodSpec): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const ports: HostPort[] = [];
  for (const container of [...spec.containers, ...sidecars])
    for (const { hostPort, hostIP, protocol } of container.ports ?? [])
      if (hostPort !== undefined && hostPort > 0)
        ports.push({
          ip: hostIP === undefined || hostIP === '' ? '0.0.0.0' : hostIP,
          protocol: protocol ?? 'TCP',
          port: hostPort,
        });
  return ports;
}

/** Nodes report images with a tag; a name without one means `latest`. */
function normalizedImage(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}

type Volume = NonNullable<PodSpec['volumes']>[number];

function usesClaim(volume: Volume): boolean {
  return volume.persistentVolumeClaim !== undefined || volume['ephemeral'] !== undefined;
}

/** Claims that the pod mounts; that of a generic ephemeral volume is named after pod and volume (KEP-1698). */
function claimNamesOf({ spec, metadata }: Pod): string[] {
  const names: string[] = [];
  for (const volume of spec.volumes ?? []) {
    if (volume.persistentVolumeClaim !== undefined) names.push(volume.persistentVolumeClaim.claimName);
    else if (volume['ephemeral'] !== undefined) names.push(`${metadata.name ?? ''}-${volume.name}`);
  }
  return names;
}

function controllerOf({ metadata }: Pod): PodShape['owner'] {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}
