import { LabelClass } from './label-class.js';
import type { NodeInfo } from './node-info.js';
import type { PodInfo } from './pod-info.js';
import { TopologyTerm, type TermSpec } from './topology-term.js';

/**
 * Every term that any pod's affinity or spreading asks about, with its counts. A pod that is placed or leaves costs
 * the number of terms that match it; a question costs one look into a map.
 */
export class TopologyIndex {
  readonly #terms = new Map<string, TopologyTerm>();
  readonly #classes = new Map<string, LabelClass>();
  readonly #nodes: () => Iterable<NodeInfo>;
  readonly #namespaceLabels: (namespace: string) => Record<string, string> | undefined;

  constructor(
    nodes: () => Iterable<NodeInfo>,
    namespaceLabels: (namespace: string) => Record<string, string> | undefined,
  ) {
    this.#nodes = nodes;
    this.#namespaceLabels = namespaceLabels;
  }

  get termCount(): number {
    return this.#terms.size;
  }

  acquireClass(namespace: string, labels: Readonly<Record<string, string>>): LabelClass {
    const key = `${namespace}/${JSON.stringify(labels)}`;
    let found = this.#classes.get(key);
    if (found === undefined) {
      found = new LabelClass(key, namespace, labels);
      this.#classes.set(key, found);
      for (const term of this.#terms.values())
        if (term.matches(found, this.#namespaceLabels)) found.terms.push(term);
    }
    found.users++;
    return found;
  }

  releaseClass(held: LabelClass): void {
    held.users--;
    if (held.users === 0) this.#classes.delete(held.key);
  }

  /** The term of this meaning, counted over what is placed by now. Give it back with `releaseTerm`. */
  acquireTerm(spec: TermSpec): TopologyTerm {
    const key = keyOfTerm(spec);
    let term = this.#terms.get(key);
    if (term === undefined) {
      term = new TopologyTerm(key, spec);
      this.#terms.set(key, term);
      if (spec.nodes?.counted === true) for (const node of this.#nodes()) term.countNode(node, 1);
      for (const pods of this.#classes.values()) this.#join(term, pods);
    }
    term.users++;
    return term;
  }

  releaseTerm(term: TopologyTerm): void {
    term.users--;
    if (term.users > 0) return;
    this.#terms.delete(term.key);
    for (const pods of this.#classes.values())
      if (pods.terms.includes(term)) pods.terms = pods.terms.filter((other) => other !== term);
  }

  /** A pod came to a known node (sign 1) or left it (−1). */
  countPod(pod: PodInfo, node: NodeInfo, sign: 1 | -1): void {
    const { shape } = pod;
    const { labelClass } = shape;
    if (sign === 1) labelClass.placed.add(pod);
    else labelClass.placed.delete(pod);
    for (const term of labelClass.terms)
      if (!(pod.terminating && term.spec.skipTerminating)) term.countPod(node, sign);
    for (const term of shape.refusing) term.countRefusal(node, sign);
    for (const { term, weight } of shape.liking) term.countLiking(node, weight, sign);
  }

  countNode(node: NodeInfo, sign: 1 | -1): void {
    for (const term of this.#terms.values()) term.countNode(node, sign);
  }

  /** A namespace's labels changed: terms that choose namespaces by label match other pods now. */
  namespaceChanged(namespace: string): void {
    const classes = [...this.#classes.values()].filter((pods) => pods.namespace === namespace);
    if (classes.length === 0) return;
    for (const term of this.#terms.values()) {
      if (term.spec.pods.every((match) => match.namespaceSelector === undefined)) continue;
      for (const pods of classes) {
        const did = pods.terms.includes(term);
        if (did === term.matches(pods, this.#namespaceLabels)) continue;
        if (did) this.#leave(term, pods);
        else this.#join(term, pods);
      }
    }
  }

  #join(term: TopologyTerm, pods: LabelClass): void {
    if (!term.matches(pods, this.#namespaceLabels)) return;
    pods.terms.push(term);
    this.#countClass(term, pods, 1);
  }

  #leave(term: TopologyTerm, pods: LabelClass): void {
    pods.terms = pods.terms.filter((other) => other !== term);
    this.#countClass(term, pods, -1);
  }

  #countClass(term: TopologyTerm, pods: LabelClass, sign: 1 | -1): void {
    for (const pod of pods.placed) {
      if (pod.terminating && term.spec.skipTerminating) continue;
      if (pod.node !== undefined) term.countPod(pod.node, sign);
    }
  }
}

function keyOfTerm({ topologyKey, pods, skipTerminating, nodes }: TermSpec): string {
  return JSON.stringify([
    topologyKey,
    pods.map((match) => match.text).sort(),
    skipTerminating,
    nodes === undefined ? '' : [nodes.text, nodes.counted],
  ]);
}
