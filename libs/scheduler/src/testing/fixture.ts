import { createClient, type Node, type PersistentVolumeClaim, type Pod, type Transport } from '#libs/client';
import type { KubernetesObject, LabelSelectorObject } from '#libs/apimachinery';
import { SchedulerCache } from '../cache/cache.js';
import type { PodInfo } from '../cache/pod-info.js';
import { defaultProfile } from '../default-profile.js';
import type { CycleState } from '../framework/cycle-state.js';
import { messageOf } from '../framework/diagnosis.js';
import { Framework } from '../framework/framework.js';
import type { PostFilterPlugin } from '../framework/plugin.js';
import { SchedulingAlgorithm, type Decision } from '../framework/schedule-pod.js';
import { Nominator } from '../preemption/nominator.js';

const nowhere: Transport = {
  request: () => Promise.reject(new Error('no API here')),
  watch: () => Promise.reject(new Error('no API here')),
};

/** SPEC ONLY: cache, framework and algorithm with the default profile, without queue or API. */
export class Fixture {
  readonly cache: SchedulerCache;
  readonly nominator = new Nominator();
  readonly algorithm: SchedulingAlgorithm;
  readonly framework: Framework;
  readonly #namespaces = new Map<string, Record<string, string>>();
  readonly #workload: { version: number; selector: LabelSelectorObject | undefined } = {
    version: 1,
    selector: undefined,
  };

  /** Claims and volumes that exist, claims by `namespace/name`. */
  readonly claims = new Map<string, PersistentVolumeClaim>();
  readonly volumes = new Map<string, KubernetesObject>();

  constructor(nodes: readonly Node[], postFilter: readonly PostFilterPlugin[] = []) {
    this.cache = new SchedulerCache((name) => this.#namespaces.get(name));
    const workload = this.#workload;
    const workloads = {
      get version() {
        return workload.version;
      },
      selectorOf: () => workload.selector,
    };
    const { cache, nominator } = this;
    const client = createClient(nowhere);
    const volumes = {
      claim: (namespace: string, name: string) => this.claims.get(`${namespace}/${name}`),
      volume: (name: string) => this.volumes.get(name),
    };
    this.framework = new Framework(defaultProfile({ client, cache, workloads, volumes, postFilter }));
    this.algorithm = new SchedulingAlgorithm({
      cache,
      framework: this.framework,
      nominator,
      random: () => 0.5,
    });
    for (const node of nodes) cache.setNode(node);
  }

  /** What Services and workloads select, of every pod. */
  selectWorkload(selector: LabelSelectorObject | undefined): void {
    this.#workload.selector = selector;
    this.#workload.version++;
  }

  labelNamespace(name: string, labels: Record<string, string>): void {
    this.#namespaces.set(name, labels);
    this.cache.index.namespaceChanged(name);
  }

  /** Puts a pod on a node, as the API would show it. */
  place(pod: Pod, nodeName: string): Pod {
    const placed = { ...pod, spec: { ...pod.spec, nodeName } };
    this.cache.setPod(placed);
    return placed;
  }

  decide(pod: Pod): Decision {
    return this.algorithm.schedule(this.info(pod));
  }

  info(pod: Pod): PodInfo {
    return this.cache.shapes.infoOf(pod);
  }

  /** The name of the node chosen, or why there is none. */
  choose(pod: Pod): string {
    const decision = this.decide(pod);
    return decision.node === undefined ? messageOf(decision.diagnosis) : decision.node.name;
  }

  /** Chooses and assumes, as the scheduler does. */
  schedule(pod: Pod): string {
    const info = this.info(pod);
    const decision = this.algorithm.schedule(info);
    if (decision.node === undefined) return messageOf(decision.diagnosis);
    this.cache.assume(info, decision.node);
    return decision.node.name;
  }

  /** Each node's score by one plugin, normalized; undefined where the plugin has no say. */
  scores(plugin: string, pod: Pod, state: CycleState): Record<string, number> | undefined {
    const scorer = this.framework.plugins.score.find(({ name }) => name === plugin);
    if (scorer === undefined) throw new Error(`no score plugin ${plugin}`);
    const { nodes } = this.cache;
    const info = this.info(pod);
    if (scorer.preScore?.(state, info, nodes)?.code === 'skip') return undefined;
    const scores = Float64Array.from(nodes, (node) => scorer.score(state, info, node));
    scorer.normalize?.(state, info, nodes, scores);
    return Object.fromEntries(nodes.map((node, at) => [node.name, scores[at] ?? Number.NaN]));
  }
}
