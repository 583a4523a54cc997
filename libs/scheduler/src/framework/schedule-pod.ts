import type { SchedulerCache } from '../cache/cache.js';
import type { NodeInfo } from '../cache/node-info.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { PodShape } from '../cache/pod-shape.js';
import type { Nominator } from '../preemption/nominator.js';
import { CycleState } from './cycle-state.js';
import type { Diagnosis } from './diagnosis.js';
import type { Framework, PreFiltered } from './framework.js';
import type { FilterPlugin } from './plugin.js';
import type { Status } from './status.js';

export type Decision =
  | { readonly node: NodeInfo; readonly state: CycleState }
  | { readonly node: undefined; readonly state: CycleState; readonly diagnosis: Diagnosis };

export interface AlgorithmOptions {
  readonly cache: SchedulerCache;
  readonly framework: Framework;
  readonly nominator: Nominator;
  readonly random: () => number;
}

const search = { nodesMin: 100, percentMin: 5, percentMax: 50, nodesPerPercent: 125 } as const;

/**
 * How many nodes that fit are enough to choose from: all up to 100, then a share that falls from 50 % to 5 % as the
 * cluster grows (percentageOfNodesToScore = 0, kube-scheduler's default).
 */
export function feasibleNodesToFind(nodeCount: number): number {
  if (nodeCount < search.nodesMin) return nodeCount;
  const percent = Math.max(
    search.percentMax - Math.floor(nodeCount / search.nodesPerPercent),
    search.percentMin,
  );
  return Math.max(Math.floor((nodeCount * percent) / 100), search.nodesMin);
}

/** Shapes whose failure is remembered; each holds a reason a node. */
const rememberedMax = 64;

interface RememberedFailure {
  readonly diagnosis: Diagnosis;
  readonly version: number;
}

/** Chooses a node for a pod. One cycle runs without a pause, over the cache as it is. */
export class SchedulingAlgorithm {
  readonly #options: AlgorithmOptions;
  /** Where the next search starts, so that all nodes get their turn. */
  #start = 0;
  readonly #failures = new Map<PodShape, RememberedFailure>();

  constructor(options: AlgorithmOptions) {
    this.#options = options;
  }

  schedule(pod: PodInfo): Decision {
    const { cache, framework } = this.#options;
    const state = new CycleState();
    const known = this.#rememberedFailure(pod);
    if (known !== undefined) return { node: undefined, state, diagnosis: known };
    const preFiltered = framework.runPreFilter(state, pod);
    if (preFiltered.refusal !== undefined) {
      const { refusal } = preFiltered;
      const plugins = new Set([refusal.plugin]);
      const diagnosis = { nodeCount: cache.nodes.length, refusals: [], preFilter: refusal, plugins };
      return { node: undefined, state, diagnosis };
    }
    const found = this.#findNodes(state, pod, preFiltered);
    if (!Array.isArray(found)) {
      this.#rememberFailure(pod, found);
      return { node: undefined, state, diagnosis: found };
    }
    return { node: this.#best(state, pod, found), state };
  }

  /** Does the pod fit on the node, also beside the pods that are nominated for it? */
  fits(
    filters: readonly FilterPlugin[],
    state: CycleState,
    pod: PodInfo,
    node: NodeInfo,
  ): Status | undefined {
    const { cache, framework, nominator } = this.#options;
    if (nominator.size > 0) {
      const rivals = [...nominator.on(node.name)].filter(
        (rival) => rival.uid !== pod.uid && rival.node === undefined && rival.priority >= pod.priority,
      );
      if (rivals.length > 0) {
        for (const rival of rivals) cache.restore(rival, node);
        const status = framework.runFilters(filters, state, pod, node);
        for (const rival of rivals) cache.withdraw(rival);
        if (status !== undefined) return status;
      }
    }
    // They may never come: what needs them there (an affinity) must hold without them too.
    return framework.runFilters(filters, state, pod, node);
  }

  /** For trying things out: the same question after a PreFilter of its own. */
  prober(pod: PodInfo): (node: NodeInfo) => Status | undefined {
    const state = new CycleState();
    const { refusal, filters } = this.#options.framework.runPreFilter(state, pod);
    return (node) => refusal ?? this.fits(filters, state, pod, node);
  }

  #findNodes(state: CycleState, pod: PodInfo, { filters, nodeNames }: PreFiltered): NodeInfo[] | Diagnosis {
    const { cache, nominator } = this.#options;
    const nominated = cache.nodeByName(nominator.nodeOf(pod.uid) ?? '');
    if (nominated !== undefined && (nodeNames === undefined || nodeNames.has(nominated.name)))
      if (this.fits(filters, state, pod, nominated) === undefined) return [nominated];
    const nodes =
      nodeNames === undefined ? cache.nodes : [...nodeNames].flatMap((name) => cache.nodeByName(name) ?? []);
    const enough = feasibleNodesToFind(nodes.length);
    const feasible: NodeInfo[] = [];
    const refusals: { node: NodeInfo; status: Status }[] = [];
    const count = nodes.length;
    const start = count === 0 ? 0 : this.#start % count;
    let looked = 0;
    for (; looked < count && feasible.length < enough; looked++) {
      const at = start + looked;
      const node = nodes[at < count ? at : at - count]!;
      const status = this.fits(filters, state, pod, node);
      if (status === undefined) feasible.push(node);
      else if (feasible.length === 0) refusals.push({ node, status });
    }
    if (nodeNames === undefined) this.#start = count === 0 ? 0 : (start + looked) % count;
    if (feasible.length > 0) return feasible;
    return this.#diagnose(nodeNames, refusals);
  }

  #diagnose(
    nodeNames: ReadonlySet<string> | undefined,
    refusals: { node: NodeInfo; status: Status }[],
  ): Diagnosis {
    const { nodes } = this.#options.cache;
    if (nodeNames !== undefined) {
      const left: Status = {
        code: 'unresolvable',
        plugin: 'NodeAffinity',
        reasons: ["node(s) didn't satisfy plugin(s) [NodeAffinity]"],
      };
      for (const node of nodes) if (!nodeNames.has(node.name)) refusals.push({ node, status: left });
    }
    const plugins = new Set(refusals.map(({ status }) => status.plugin));
    // With no node at all, any that comes may do.
    if (nodes.length === 0 || nodeNames !== undefined) plugins.add('NodeName');
    return { nodeCount: nodes.length, refusals, preFilter: undefined, plugins };
  }

  #best(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): NodeInfo {
    const { framework, random } = this.#options;
    if (nodes.length === 1) return nodes[0]!;
    const totals = framework.runScore(state, pod, nodes);
    let best = 0;
    let ties = 1;
    for (let at = 1; at < nodes.length; at++) {
      if (totals[at]! > totals[best]!) {
        best = at;
        ties = 1;
      } else if (totals[at] === totals[best] && random() * ++ties < 1) best = at;
    }
    return nodes[best]!;
  }

  /**
   * What no node would take, no node takes for another pod of its shape, until something was freed: thousands of
   * unschedulable pods of one template cost one search. Claims change on their own, so pods with claims are left out.
   */
  #rememberFailure({ shape }: PodInfo, diagnosis: Diagnosis): void {
    if (shape.claimNames.length > 0) return;
    const remembered: RememberedFailure = { diagnosis, version: this.#versionFor(shape) };
    this.#failures.delete(shape);
    this.#failures.set(shape, remembered);
    if (this.#failures.size <= rememberedMax) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      return;
    }
  }

  #rememberedFailure({ shape, uid }: PodInfo): Diagnosis | undefined {
    const { nominator } = this.#options;
    const known = this.#failures.get(shape);
    if (known === undefined || nominator.nodeOf(uid) !== undefined) return undefined;
    return known.version === this.#versionFor(shape) ? known.diagnosis : undefined;
  }

  /** A pod that wants to be beside others, or spread among them, may be helped by one that was placed. */
  #versionFor({ wanting, spread }: PodInfo['shape']): number {
    const { cache } = this.#options;
    return wanting.length > 0 || spread.length > 0 ? cache.changed : cache.freed;
  }
}
