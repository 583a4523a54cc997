import type { NodeInfo } from '../cache/node-info.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { EventInterest } from '../queue/events.js';
import type { CycleState } from './cycle-state.js';
import type { Status } from './status.js';
import type { Diagnosis } from './diagnosis.js';

/**
 * The extension points of the scheduling framework (KEP-624). PreFilter to Reserve run within one cycle, without a
 * pause: they are synchronous and read the live cache. Permit to PostBind run in the background.
 */
export interface Plugin {
  readonly name: string;
  /** Changes in the cluster after which a pod that this plugin refused is worth another try. */
  readonly events?: readonly EventInterest[];
}

export interface PreEnqueuePlugin extends Plugin {
  /** A status keeps the pod out of the queue. */
  preEnqueue(pod: PodInfo): Status | undefined;
}

export interface QueueSortPlugin extends Plugin {
  /** True when `a` goes before `b`. */
  less(
    a: { readonly info: PodInfo; readonly timestampMs: number },
    b: { readonly info: PodInfo; readonly timestampMs: number },
  ): boolean;
}

export interface PreFilterResult {
  /** Only these nodes need be looked at. */
  readonly nodeNames?: ReadonlySet<string>;
}

export interface PreFilterPlugin extends Plugin {
  /** `skip` spares the pod this plugin's Filter. */
  preFilter(state: CycleState, pod: PodInfo): Status | PreFilterResult | undefined;
}

export interface FilterPlugin extends Plugin {
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
}

export interface PostFilterResult {
  /** Empty text clears an earlier nomination. */
  readonly nominatedNodeName?: string;
  readonly message: string;
}

export interface PostFilterPlugin extends Plugin {
  /** No node was found: what can be done about it? */
  postFilter(state: CycleState, pod: PodInfo, diagnosis: Diagnosis): PostFilterResult;
}

export interface ScorePlugin extends Plugin {
  readonly weight: number;
  /** `skip` spares the pod this plugin's Score: it would tell no node from another. */
  preScore?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Status | undefined;
  score(state: CycleState, pod: PodInfo, node: NodeInfo): number;
  /** Brings `scores[0..count)` into 0..100, in place. */
  normalize?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[], scores: Float64Array): void;
}

export interface ReservePlugin extends Plugin {
  reserve(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  /** Also called where `reserve` was not; must be idempotent. */
  unreserve(state: CycleState, pod: PodInfo, node: NodeInfo): void;
}

export interface PermitPlugin extends Plugin {
  /** Resolves when the pod may be bound; a status refuses it. */
  permit(state: CycleState, pod: PodInfo, node: NodeInfo): Promise<Status | undefined>;
}

export interface PreBindPlugin extends Plugin {
  preBind(state: CycleState, pod: PodInfo, node: NodeInfo): Promise<Status | undefined>;
}

export interface BindPlugin extends Plugin {
  /** Rejects with what the API answered. */
  bind(state: CycleState, pod: PodInfo, node: NodeInfo): Promise<void>;
}

export interface PostBindPlugin extends Plugin {
  postBind(state: CycleState, pod: PodInfo, node: NodeInfo): void;
}

/** What a profile is made of, each list in the order of running. */
export interface PluginSet {
  readonly preEnqueue: readonly PreEnqueuePlugin[];
  readonly queueSort: QueueSortPlugin;
  readonly preFilter: readonly PreFilterPlugin[];
  readonly filter: readonly FilterPlugin[];
  readonly postFilter: readonly PostFilterPlugin[];
  readonly score: readonly ScorePlugin[];
  readonly reserve: readonly ReservePlugin[];
  readonly permit: readonly PermitPlugin[];
  readonly preBind: readonly PreBindPlugin[];
  readonly bind: BindPlugin;
  readonly postBind: readonly PostBindPlugin[];
}

export const maxNodeScore = 100;
