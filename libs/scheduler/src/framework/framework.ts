import type { NodeInfo } from '../cache/node-info.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { CycleState } from './cycle-state.js';
import type { FilterPlugin, PluginSet, ScorePlugin } from './plugin.js';
import type { Status } from './status.js';

/** What PreFilter found out: a refusal, or which filters and nodes are left to run. */
export interface PreFiltered {
  readonly refusal: Status | undefined;
  readonly filters: readonly FilterPlugin[];
  /** Undefined: all nodes. */
  readonly nodeNames: ReadonlySet<string> | undefined;
}

/** Runs the plugins of a profile at each extension point. */
export class Framework {
  readonly plugins: PluginSet;
  #scores = new Float64Array(0);
  #totals = new Float64Array(0);

  constructor(plugins: PluginSet) {
    this.plugins = plugins;
  }

  runPreEnqueue(pod: PodInfo): Status | undefined {
    for (const plugin of this.plugins.preEnqueue) {
      const status = plugin.preEnqueue(pod);
      if (status !== undefined) return status;
    }
    return undefined;
  }

  runPreFilter(state: CycleState, pod: PodInfo): PreFiltered {
    const skipped = new Set<string>();
    let nodeNames: ReadonlySet<string> | undefined;
    for (const plugin of this.plugins.preFilter) {
      const result = plugin.preFilter(state, pod);
      if (result === undefined) continue;
      if ('code' in result) {
        if (result.code !== 'skip') return { refusal: result, filters: [], nodeNames: undefined };
        skipped.add(plugin.name);
      } else if (result.nodeNames !== undefined) nodeNames = intersection(nodeNames, result.nodeNames);
    }
    const filters = this.plugins.filter.filter(({ name }) => !skipped.has(name));
    return { refusal: undefined, filters, nodeNames };
  }

  runFilters(
    filters: readonly FilterPlugin[],
    state: CycleState,
    pod: PodInfo,
    node: NodeInfo,
  ): Status | undefined {
    for (const filter of filters) {
      const status = filter.filter(state, pod, node);
      if (status !== undefined) return status;
    }
    return undefined;
  }

  /** Weighted sums in the order of `nodes`. The array is used again by the next call. */
  runScore(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Float64Array {
    const count = nodes.length;
    if (this.#totals.length < count) {
      this.#totals = new Float64Array(count * 2);
      this.#scores = new Float64Array(count * 2);
    }
    const totals = this.#totals.subarray(0, count).fill(0);
    const scores = this.#scores.subarray(0, count);
    for (const plugin of this.#scorers(state, pod, nodes)) {
      for (let at = 0; at < count; at++) scores[at] = plugin.score(state, pod, nodes[at]!);
      plugin.normalize?.(state, pod, nodes, scores);
      const { weight } = plugin;
      for (let at = 0; at < count; at++) totals[at]! += weight * scores[at]!;
    }
    return totals;
  }

  /** All run, or all that had run are undone. */
  runReserve(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    for (const plugin of this.plugins.reserve) {
      const status = plugin.reserve(state, pod, node);
      if (status === undefined) continue;
      this.runUnreserve(state, pod, node);
      return status;
    }
    return undefined;
  }

  runUnreserve(state: CycleState, pod: PodInfo, node: NodeInfo): void {
    for (const plugin of this.plugins.reserve.toReversed()) plugin.unreserve(state, pod, node);
  }

  /** Permit, PreBind, Bind, PostBind. Resolves with what refused the pod; rejects with what failed. */
  async runBinding(state: CycleState, pod: PodInfo, node: NodeInfo): Promise<Status | undefined> {
    for (const plugin of this.plugins.permit) {
      const status = await plugin.permit(state, pod, node);
      if (status !== undefined) return status;
    }
    for (const plugin of this.plugins.preBind) {
      const status = await plugin.preBind(state, pod, node);
      if (status !== undefined) return status;
    }
    await this.plugins.bind.bind(state, pod, node);
    for (const plugin of this.plugins.postBind) plugin.postBind(state, pod, node);
    return undefined;
  }

  #scorers(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): ScorePlugin[] {
    return this.plugins.score.filter((plugin) => plugin.preScore?.(state, pod, nodes)?.code !== 'skip');
  }
}

function intersection(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> {
  return a === undefined ? b : new Set([...a].filter((name) => b.has(name)));
}
