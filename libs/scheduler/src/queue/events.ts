import type { Namespace, Node, Pod } from '#libs/client';
import type { PodInfo } from '../cache/pod-info.js';

/** What happened in the cluster that may let a waiting pod go on; both states where there are two. */
export type ClusterEvent =
  | { readonly type: 'NodeAdd'; readonly node: Node }
  | {
      readonly type: 'NodeUpdate';
      readonly node: Node;
      readonly previous: Node;
      readonly changes: ReadonlySet<NodeChange>;
    }
  | { readonly type: 'NodeDelete'; readonly node: Node }
  | { readonly type: 'AssignedPodAdd'; readonly pod: Pod }
  | { readonly type: 'AssignedPodUpdate'; readonly pod: Pod; readonly previous: Pod }
  | { readonly type: 'AssignedPodDelete'; readonly pod: Pod }
  | { readonly type: 'PodUpdate'; readonly pod: Pod; readonly previous: Pod }
  | { readonly type: 'NamespaceUpdate'; readonly namespace: Namespace }
  | { readonly type: 'StorageChange'; readonly namespace: string | undefined; readonly name: string };

export type NodeChange = 'allocatable' | 'labels' | 'taints';
export type ClusterEventType = ClusterEvent['type'];

/** `helps` is asked for each waiting pod; absent, every event of the type helps (a queueing hint, KEP-4247). */
export interface EventInterest {
  readonly type: ClusterEventType;
  readonly helps?: (pod: PodInfo, event: ClusterEvent) => boolean;
}
