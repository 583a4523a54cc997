import { compileNodeSelector, type NodePredicate } from '#libs/apimachinery';
import {
  deepCopy,
  type DaemonSet,
  type Node,
  type Pod,
  type PodTemplateSpec,
  type Toleration,
} from '#libs/client';
import { revisionHashLabel } from '../core/controller-revisions.js';
import { podFromTemplate } from '../core/pods.js';
import { untolerated } from '../core/tolerations.js';

const exists = (key: string, effect: string): Toleration => ({ key, operator: 'Exists', effect });

/** A daemon stays on a node whatever the node's condition (Kubernetes adds these to every daemon pod). */
function daemonTolerations(template: PodTemplateSpec): Toleration[] {
  return [
    exists('node.kubernetes.io/not-ready', 'NoExecute'),
    exists('node.kubernetes.io/unreachable', 'NoExecute'),
    exists('node.kubernetes.io/disk-pressure', 'NoSchedule'),
    exists('node.kubernetes.io/memory-pressure', 'NoSchedule'),
    exists('node.kubernetes.io/pid-pressure', 'NoSchedule'),
    exists('node.kubernetes.io/unschedulable', 'NoSchedule'),
    ...(template.spec.hostNetwork === true
      ? [exists('node.kubernetes.io/network-unavailable', 'NoSchedule')]
      : []),
  ];
}

function tolerationsOf(template: PodTemplateSpec): Toleration[] {
  const own = template.spec.tolerations ?? [];
  const added = daemonTolerations(template).filter(
    (each) =>
      !own.some(
        (known) => known.key === each.key && known.effect === each.effect && known.operator === 'Exists',
      ),
  );
  return [...own, ...added];
}

export interface Placement {
  /** A pod belongs on the node, and is made where there is none. */
  readonly shouldRun: boolean;
  /** A pod that is there may stay. */
  readonly mayStay: boolean;
}

/** Decides for nodes; made once for a DaemonSet's template, asked for every node. */
export function placementFor(template: PodTemplateSpec): (node: Node) => Placement {
  const { nodeName, nodeSelector = {}, affinity } = template.spec;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const matches: NodePredicate = required === undefined ? () => true : compileNodeSelector(required);
  const selected = Object.entries(nodeSelector);
  const tolerations = tolerationsOf(template);
  return (node) => {
    const { name = '', labels } = node.metadata;
    const fits =
      (nodeName === undefined || nodeName === '' || nodeName === name) &&
      selected.every(([key, value]) => labels?.[key] === value) &&
      matches({ name, labels });
    if (!fits) return { shouldRun: false, mayStay: false };
    const taints = node.spec?.taints ?? [];
    return {
      shouldRun: untolerated(taints, tolerations, ['NoSchedule', 'NoExecute']) === undefined,
      mayStay: untolerated(taints, tolerations, ['NoExecute']) === undefined,
    };
  };
}

/** A pod for one node: the scheduler binds it there and nowhere else. */
export function daemonPod(set: DaemonSet, nodeName: string, hash: string): Pod {
  const { template } = set.spec;
  const pod = podFromTemplate(template, set);
  pod.metadata.labels = { ...pod.metadata.labels, [revisionHashLabel]: hash };
  pod.spec.tolerations = deepCopy(tolerationsOf(template));
  pod.spec.affinity = {
    ...pod.spec.affinity,
    nodeAffinity: {
      ...pod.spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }],
      },
    },
  };
  return pod;
}

/** The node that a daemon pod is on, or is meant for while it is not bound. */
export function nodeOfPod(pod: Pod): string | undefined {
  if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== '') return pod.spec.nodeName;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const term of required?.nodeSelectorTerms ?? []) {
    for (const field of term.matchFields ?? []) {
      if (field.key === 'metadata.name' && field.operator === 'In' && field.values?.length === 1)
        return field.values[0];
    }
  }
  return undefined;
}
