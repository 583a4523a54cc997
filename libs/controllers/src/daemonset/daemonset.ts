import { semanticEqual } from '#libs/apimachinery';
import {
  isNotFound,
  keyOf,
  makeKey,
  resources,
  type ControllerRevision,
  type DaemonSet,
  type EventRecorder,
  type Informer,
  type Node,
  type Pod,
  type ResourceClient,
  type WorkQueue,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from '../context.js';
import { claimObjects } from '../core/claim.js';
import {
  currentRevision,
  revisionHashLabel,
  revisionsOf,
  truncateRevisions,
} from '../core/controller-revisions.js';
import { Expectations } from '../core/expectations.js';
import { byController, indexByController, orphansByNamespace } from '../core/indexes.js';
import { controllerOf } from '../core/owner.js';
import {
  createdMs,
  isPodAvailable,
  isPodReady,
  isTerminating,
  nextAvailableInMs,
} from '../core/pod-state.js';
import { isNamespaceTerminating, parallelWrites } from '../core/pods.js';
import { selectorOf } from '../core/selectors.js';
import { inParallel, slowStart } from '../core/slow-start.js';
import { inNamespaceOf, writeStatus } from '../core/status.js';
import { daemonPod, nodeOfPod, placementFor, type Placement } from './nodes.js';
import { chooseForUpdate } from './rolling.js';

/** Pods made or deleted in one reconcile. */
const burst = 250;
/** A pod that failed is made again no sooner than this. */
const failedPodBackoffMs = 1_000;

/**
 * DaemonSet: one pod on every node that its template selects and tolerates. Pods are bound by the scheduler through
 * node affinity to the one node. A rolling update replaces at most maxUnavailable at a time, or adds up to maxSurge new
 * pods beside the old ones first. Templates are kept as ControllerRevisions.
 */
export function createDaemonSetController(context: ControllerContext): Controller {
  const core = new DaemonSetCore(context);
  return makeController(context, {
    name: 'daemonset',
    workers: 2,
    queue: core.queue,
    needs: [core.sets, core.pods, core.nodes, core.revisions],
    reconcile: (key) => core.reconcile(key),
  });
}

class DaemonSetCore {
  readonly queue: WorkQueue;
  readonly sets: Informer<DaemonSet>;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly revisions: Informer<ControllerRevision>;
  readonly #context: ControllerContext;
  readonly #client: ResourceClient<DaemonSet>;
  readonly #podClient: ResourceClient<Pod>;
  readonly #recorder: EventRecorder;
  readonly #expectations: Expectations;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#client = context.client.resource(resources.daemonSets);
    this.#podClient = context.client.resource(resources.pods);
    this.#recorder = context.recorderFor('daemonset-controller');
    this.#expectations = new Expectations(() => context.clock.now());
    this.queue = queueFor(context, 'daemonset');
    this.sets = context.informers.informer(resources.daemonSets);
    this.pods = context.informers.informer(resources.pods);
    this.nodes = context.informers.informer(resources.nodes);
    this.revisions = context.informers.informer(resources.controllerRevisions);
    indexByController(this.pods);
    indexByController(this.revisions);
    const enqueue = (set: DaemonSet): void => this.queue.add(keyOf(set));
    this.sets.addHandler({
      add: enqueue,
      update: enqueue,
      delete: (set) => this.#expectations.forget(keyOf(set)),
    });
    this.pods.addHandler({
      add: (pod) => this.#podChanged(pod, 'added'),
      update: (pod) => this.#podChanged(pod, 'updated'),
      delete: (pod) => this.#podChanged(pod, 'deleted'),
    });
    this.nodes.addHandler({
      add: () => this.#enqueueAll(),
      update: (node, previous) => this.#nodeChanged(node, previous),
      delete: () => this.#enqueueAll(),
    });
  }

  #enqueueAll(): void {
    for (const set of this.sets.lister.values()) this.queue.add(keyOf(set));
  }

  /** A heartbeat moves no daemon: only what placement looks at counts. */
  #nodeChanged(node: Node, previous: Node): void {
    const same =
      semanticEqual(node.metadata.labels ?? {}, previous.metadata.labels ?? {}) &&
      semanticEqual(node.spec?.taints, previous.spec?.taints);
    if (same) return;
    for (const set of this.sets.lister.values()) {
      const place = placementFor(set.spec.template);
      if (!semanticEqual(place(node), place(previous))) this.queue.add(keyOf(set));
    }
  }

  #podChanged(pod: Pod, how: 'added' | 'updated' | 'deleted'): void {
    const owner = controllerOf(pod);
    if (owner === undefined) {
      for (const set of this.sets.lister.inNamespace(pod.metadata.namespace ?? '')) {
        if (selectorOf(set.spec.selector).matches(pod.metadata.labels)) this.queue.add(keyOf(set));
      }
      return;
    }
    if (owner.kind !== 'DaemonSet') return;
    const key = makeKey(pod.metadata.namespace, owner.name);
    if (how === 'added') this.#expectations.creationObserved(key);
    if (how === 'deleted' || isTerminating(pod)) this.#expectations.deletionObserved(key, keyOf(pod));
    this.queue.add(key);
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | undefined> {
    const set = this.sets.lister.getByKey(key);
    if (set === undefined || isTerminating(set)) return undefined;
    const { name = '', namespace = '', uid = '' } = set.metadata;
    const selector = selectorOf(set.spec.selector);
    if (selector.everything) return undefined;
    const freshOwner = (): Promise<DaemonSet> => this.#client.get(name, inNamespaceOf(set));
    const store = {
      client: this.#context.client.resource(resources.controllerRevisions),
      informer: this.revisions,
      freshOwner,
    };
    const known = await revisionsOf(store, set);
    const result = await currentRevision(store, set, known, set.status?.collisionCount);
    if (result.kind === 'collision') {
      await writeStatus(this.#client, set, {
        ...set.status,
        collisionCount: (set.status?.collisionCount ?? 0) + 1,
      });
      return undefined;
    }
    const hash = result.revision.metadata.labels?.[revisionHashLabel] ?? '';
    const settled = this.#expectations.satisfied(key);
    const pods = await claimObjects(
      {
        owner: set,
        freshOwner,
        client: this.#podClient,
        matches: (pod) => selector.matches(pod.metadata.labels),
      },
      this.pods.lister.byIndex(byController, uid),
      this.pods.lister.byIndex(orphansByNamespace, namespace),
    );
    const plan = this.#plan(set, pods, hash, settled);
    const failure = settled ? await this.#carryOut(key, set, plan, hash) : undefined;
    const live = new Set(pods.map((pod) => pod.metadata.labels?.[revisionHashLabel]));
    const inUse = (revision: ControllerRevision): boolean =>
      revision.metadata.name === result.revision.metadata.name ||
      live.has(revision.metadata.labels?.[revisionHashLabel]);
    await truncateRevisions(store, known, inUse, set.spec.revisionHistoryLimit ?? 10);
    await writeStatus(this.#client, set, this.#statusOf(set, plan, hash));
    if (failure !== undefined) throw failure;
    const soonMs = nextAvailableInMs(pods, set.spec.minReadySeconds ?? 0, this.#context.clock.now());
    const waits = [soonMs, plan.backoffMs].filter((each) => each !== undefined);
    return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
  }

  #plan(set: DaemonSet, pods: readonly Pod[], hash: string, settled: boolean): Plan {
    const place = placementFor(set.spec.template);
    const byNode = new Map<string, Pod[]>();
    for (const pod of pods) {
      const node = nodeOfPod(pod) ?? '';
      const list = byNode.get(node);
      if (list === undefined) byNode.set(node, [pod]);
      else list.push(pod);
    }
    const plan: Plan = { placements: new Map(), byNode, create: [], remove: [], backoffMs: undefined };
    const nowMs = this.#context.clock.now();
    for (const node of this.nodes.lister.values()) {
      const { name = '' } = node.metadata;
      const placement = place(node);
      plan.placements.set(name, placement);
      planNode(plan, name, placement, byNode.get(name) ?? [], { set, hash, nowMs });
    }
    // Pods of nodes that are gone are the pod collector's; unbound ones would wait for ever.
    for (const [node, list] of byNode) {
      if (plan.placements.has(node)) continue;
      for (const pod of list)
        if ((pod.spec.nodeName ?? '') === '' && !isTerminating(pod)) plan.remove.push(pod);
    }
    if (
      settled &&
      plan.create.length === 0 &&
      plan.remove.length === 0 &&
      set.spec.updateStrategy?.type !== 'OnDelete'
    ) {
      const chosen = chooseForUpdate(set, plan, hash, nowMs);
      plan.create.push(...chosen.create);
      plan.remove.push(...chosen.remove);
    }
    return plan;
  }

  async #carryOut(key: string, set: DaemonSet, plan: Plan, hash: string): Promise<unknown> {
    const create = plan.create.slice(0, burst);
    const remove = plan.remove.slice(0, burst);
    if (create.length === 0 && remove.length === 0) return undefined;
    this.#expectations.forget(key);
    this.#expectations.raise(key, create.length, remove.map(keyOf));
    let attempted = 0;
    const { error } = await slowStart(create.length, async (index) => {
      attempted++;
      try {
        const pod = await this.#podClient.create(daemonPod(set, create[index] ?? '', hash));
        this.#recorder.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (failure) {
        this.#expectations.creationObserved(key);
        if (isNamespaceTerminating(failure)) return;
        const message = failure instanceof Error ? failure.message : String(failure);
        this.#recorder.event(set, 'Warning', 'FailedCreate', `Error creating: ${message}`);
        throw failure;
      }
    });
    for (let skipped = attempted; skipped < create.length; skipped++)
      this.#expectations.creationObserved(key);
    try {
      await inParallel(remove, parallelWrites, (pod) => this.#delete(key, set, pod));
    } catch (failure) {
      return error ?? failure;
    }
    return error;
  }

  async #delete(key: string, set: DaemonSet, pod: Pod): Promise<void> {
    const { name = '', uid } = pod.metadata;
    try {
      await this.#podClient.delete(name, {
        ...inNamespaceOf(pod),
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
      this.#recorder.event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (error) {
      this.#expectations.deletionObserved(key, keyOf(pod));
      if (!isNotFound(error)) throw error;
    }
  }

  #statusOf(set: DaemonSet, plan: Plan, hash: string): NonNullable<DaemonSet['status']> {
    const minReadySeconds = set.spec.minReadySeconds ?? 0;
    const nowMs = this.#context.clock.now();
    let [current, misscheduled, desired, ready, updated, available] = [0, 0, 0, 0, 0, 0];
    for (const [node, { shouldRun }] of plan.placements) {
      const pods = plan.byNode.get(node) ?? [];
      if (!shouldRun) {
        if (pods.length > 0) misscheduled++;
        continue;
      }
      desired++;
      if (pods.length > 0) current++;
      const oldestFirst = pods.toSorted((left, right) => createdMs(left) - createdMs(right));
      const shown = oldestFirst.find(isPodReady) ?? oldestFirst[0];
      if (shown === undefined) continue;
      if (isPodReady(shown)) ready++;
      if (isPodAvailable(shown, minReadySeconds, nowMs)) available++;
      if (pods.some((pod) => pod.metadata.labels?.[revisionHashLabel] === hash && !isTerminating(pod)))
        updated++;
    }
    const unavailable = desired - available;
    const { collisionCount, conditions } = set.status ?? {};
    return {
      currentNumberScheduled: current,
      numberMisscheduled: misscheduled,
      desiredNumberScheduled: desired,
      numberReady: ready,
      observedGeneration: set.metadata.generation ?? 0,
      ...(updated === 0 ? {} : { updatedNumberScheduled: updated }),
      ...(available === 0 ? {} : { numberAvailable: available }),
      ...(unavailable === 0 ? {} : { numberUnavailable: unavailable }),
      ...(collisionCount === undefined ? {} : { collisionCount }),
      ...(conditions === undefined ? {} : { conditions }),
    };
  }
}

/** What a reconcile found and will do. */
export interface Plan {
  readonly placements: Map<string, Placement>;
  readonly byNode: Map<string, Pod[]>;
  /** Nodes that get a pod. */
  readonly create: string[];
  readonly remove: Pod[];
  backoffMs: number | undefined;
}

function planNode(
  plan: Plan,
  node: string,
  placement: Placement,
  pods: readonly Pod[],
  { set, hash, nowMs }: { set: DaemonSet; hash: string; nowMs: number },
): void {
  if (!placement.mayStay) {
    plan.remove.push(...pods.filter((pod) => !isTerminating(pod)));
    return;
  }
  const running: Pod[] = [];
  for (const pod of pods) {
    if (isTerminating(pod)) continue;
    if (pod.status?.phase !== 'Failed') {
      running.push(pod);
      continue;
    }
    const waitMs = createdMs(pod) + failedPodBackoffMs - nowMs;
    if (waitMs <= 0) plan.remove.push(pod);
    else plan.backoffMs = Math.min(plan.backoffMs ?? waitMs, waitMs);
  }
  if (pods.length === 0) {
    if (placement.shouldRun) plan.create.push(node);
    return;
  }
  const keep = surgesOver(set, running, hash) ? 2 : 1;
  const oldestFirst = running.toSorted((left, right) => createdMs(left) - createdMs(right));
  plan.remove.push(...oldestFirst.slice(keep));
}

/** With surge, an old and a new pod may share a node for a while. */
function surgesOver(set: DaemonSet, running: readonly Pod[], hash: string): boolean {
  const surge = set.spec.updateStrategy?.rollingUpdate?.maxSurge;
  if (surge === undefined || surge === 0 || surge === '0%') return false;
  const isNew = (pod: Pod): boolean => pod.metadata.labels?.[revisionHashLabel] === hash;
  return running.some(isNew) && running.some((pod) => !isNew(pod));
}
