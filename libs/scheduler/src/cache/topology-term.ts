import type { LabelSelector } from '#libs/apimachinery';
import type { NodeInfo } from './node-info.js';
import type { LabelClass } from './label-class.js';

/** Which pods a term is about, and over which label of nodes they are counted. */
export interface TermSpec {
  readonly topologyKey: string;
  /** All must match; a term of an affinity has one. */
  readonly pods: readonly PodMatch[];
  /** Pods that are being deleted count for affinity, not for spreading. */
  readonly skipTerminating: boolean;
  /** Spreading counts only nodes that the pod could be on at all; `text` tells such predicates apart. */
  readonly nodes?: {
    readonly text: string;
    readonly eligible: (node: NodeInfo) => boolean;
    /** Keep the number of eligible nodes a domain; costs an entry for each domain. */ readonly counted: boolean;
  };
}

export interface PodMatch {
  /** Canonical text of all that follows. */
  readonly text: string;
  readonly selector: LabelSelector;
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces by their labels, beside those named. */
  readonly namespaceSelector: LabelSelector | undefined;
}

/** What lies in one topology domain, that is on all nodes with one value of the topology key. */
export interface Domain {
  /** Pods that the term matches. */
  pods: number;
  /** Eligible nodes; counted only for terms with `nodes`. */
  nodes: number;
  /** Pods here that refuse, by a required anti-affinity, to be beside what the term matches. */
  refusals: number;
  /** Sum of the weights with which pods here like (or, negative, dislike) what the term matches. */
  liking: number;
}

/** Counts, kept as pods and nodes come and go, so that no scheduling cycle ever walks over pods. */
export class TopologyTerm {
  readonly domains = new Map<string, Domain>();
  /** Pods matched in all domains together. */
  podTotal = 0;
  refusalTotal = 0;
  /** Pods with a liking, whatever its weight. */
  likingTotal = 0;
  /** Grows with every change of a count. */
  version = 0;
  /** Shapes that refuse, by a required anti-affinity, what this term matches. */
  refusingShapes = 0;
  /** Shapes that hold this term. */
  users = 0;

  constructor(
    readonly key: string,
    readonly spec: TermSpec,
  ) {}

  get topologyKey(): string {
    return this.spec.topologyKey;
  }

  matches(
    pods: LabelClass,
    namespaceLabels: (namespace: string) => Record<string, string> | undefined,
  ): boolean {
    for (const match of this.spec.pods) {
      const here =
        match.namespaces.has(pods.namespace) ||
        (match.namespaceSelector !== undefined &&
          (match.namespaceSelector.everything ||
            match.namespaceSelector.matches(namespaceLabels(pods.namespace))));
      if (!here || !match.selector.matches(pods.labels)) return false;
    }
    return true;
  }

  /** The domain of a node; undefined where the node lies in none. */
  domainOf(node: NodeInfo): Domain | undefined {
    const value = node.labels[this.spec.topologyKey];
    return value === undefined ? undefined : this.domains.get(value);
  }

  countPod(node: NodeInfo, sign: 1 | -1): void {
    if (this.spec.nodes !== undefined && !this.spec.nodes.eligible(node)) return;
    const domain = this.#reach(node);
    if (domain === undefined) return;
    domain.pods += sign;
    this.podTotal += sign;
    this.#prune(node, domain);
  }

  countNode(node: NodeInfo, sign: 1 | -1): void {
    if (this.spec.nodes?.counted !== true || !this.spec.nodes.eligible(node)) return;
    const domain = this.#reach(node);
    if (domain === undefined) return;
    domain.nodes += sign;
    this.#prune(node, domain);
  }

  countRefusal(node: NodeInfo, sign: 1 | -1): void {
    const domain = this.#reach(node);
    if (domain === undefined) return;
    domain.refusals += sign;
    this.refusalTotal += sign;
    this.#prune(node, domain);
  }

  countLiking(node: NodeInfo, weight: number, sign: 1 | -1): void {
    const domain = this.#reach(node);
    if (domain === undefined) return;
    domain.liking += sign * weight;
    this.likingTotal += sign;
    this.#prune(node, domain);
  }

  #reach(node: NodeInfo): Domain | undefined {
    const value = node.labels[this.spec.topologyKey];
    if (value === undefined) return undefined;
    this.version++;
    let domain = this.domains.get(value);
    if (domain === undefined) {
      domain = { pods: 0, nodes: 0, refusals: 0, liking: 0 };
      this.domains.set(value, domain);
    }
    return domain;
  }

  #prune(node: NodeInfo, domain: Domain): void {
    if (domain.pods === 0 && domain.nodes === 0 && domain.refusals === 0 && domain.liking === 0)
      this.domains.delete(node.labels[this.spec.topologyKey] ?? '');
  }
}
