import type { KubernetesObject, LabelSelector } from '#libs/apimachinery';
import {
  isNotFound,
  keyOf,
  makeKey,
  resources,
  type EventRecorder,
  type Informer,
  type Pod,
  type PodTemplateSpec,
  type ReplicaSetStatus,
  type ResourceClient,
  type ResourceRef,
  type WorkQueue,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from './context.js';
import { claimObjects } from './core/claim.js';
import { findCondition, withCondition, withoutCondition } from './core/conditions.js';
import { Expectations } from './core/expectations.js';
import { byController, indexByController, orphansByNamespace } from './core/indexes.js';
import { controllerOf } from './core/owner.js';
import {
  compareForDeletion,
  isPodActive,
  isPodAvailable,
  isPodReady,
  isTerminating,
  nextAvailableInMs,
} from './core/pod-state.js';
import { isNamespaceTerminating, parallelWrites, podFromTemplate } from './core/pods.js';
import { inParallel, slowStart } from './core/slow-start.js';
import { inNamespaceOf, writeStatus } from './core/status.js';

/** Pods made or deleted in one reconcile (Kubernetes' BurstReplicas). */
export const burstReplicas = 500;

/** What ReplicaSet and ReplicationController have in common, and how to read it from either. */
export interface ReplicaKind<T extends KubernetesObject & { status?: ReplicaSetStatus }> {
  readonly name: string;
  readonly kind: string;
  readonly apiGroupPrefix: string;
  readonly ref: ResourceRef<T>;
  readonly replicas: (object: T) => number;
  readonly selector: (object: T) => LabelSelector;
  readonly template: (object: T) => PodTemplateSpec | undefined;
  readonly minReadySeconds: (object: T) => number;
}

/**
 * Keeps the wanted number of pods: adopts and releases by selector, makes what is missing in growing batches, deletes
 * what is too much in the order of compareForDeletion, reports counts and failures in the status.
 */
export function createReplicaController<T extends KubernetesObject & { status?: ReplicaSetStatus }>(
  context: ControllerContext,
  kind: ReplicaKind<T>,
): Controller {
  const core = new ReplicaCore(context, kind);
  return makeController(context, {
    name: kind.name,
    workers: 5,
    queue: core.queue,
    needs: [core.owners, core.pods],
    reconcile: (key) => core.reconcile(key),
  });
}

class ReplicaCore<T extends KubernetesObject & { status?: ReplicaSetStatus }> {
  readonly queue: WorkQueue;
  readonly owners: Informer<T>;
  readonly pods: Informer<Pod>;
  readonly #context: ControllerContext;
  readonly #kind: ReplicaKind<T>;
  readonly #client: ResourceClient<T>;
  readonly #podClient: ResourceClient<Pod>;
  readonly #recorder: EventRecorder;
  readonly #expectations: Expectations;

  constructor(context: ControllerContext, kind: ReplicaKind<T>) {
    this.#context = context;
    this.#kind = kind;
    this.#client = context.client.resource(kind.ref);
    this.#podClient = context.client.resource(resources.pods);
    this.#recorder = context.recorderFor(`${kind.name}-controller`);
    this.#expectations = new Expectations(() => context.clock.now());
    this.queue = queueFor(context, kind.name);
    this.owners = context.informers.informer(kind.ref);
    this.pods = context.informers.informer(resources.pods);
    indexByController(this.pods);
    this.owners.addHandler({
      add: (owner) => this.queue.add(keyOf(owner)),
      update: (owner) => this.queue.add(keyOf(owner)),
      delete: (owner) => {
        this.#expectations.forget(keyOf(owner));
        this.queue.add(keyOf(owner));
      },
    });
    this.pods.addHandler({
      add: (pod) => this.#podAdded(pod),
      update: (pod, previous) => this.#podUpdated(pod, previous),
      delete: (pod) => this.#podDeleted(pod),
    });
  }

  #ownerKey(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== this.#kind.kind || !owner.apiVersion.startsWith(this.#kind.apiGroupPrefix))
      return undefined;
    return makeKey(pod.metadata.namespace, owner.name);
  }

  #podAdded(pod: Pod): void {
    if (isTerminating(pod)) return this.#podDeleted(pod);
    const key = this.#ownerKey(pod);
    if (key === undefined) return this.#enqueueAdopters(pod);
    this.#expectations.creationObserved(key);
    this.queue.add(key);
  }

  #podUpdated(pod: Pod, previous: Pod): void {
    const before = this.#ownerKey(previous);
    const after = this.#ownerKey(pod);
    if (before !== undefined && before !== after) this.queue.add(before);
    if (after === undefined) {
      if (before !== undefined || pod.metadata.labels !== previous.metadata.labels)
        this.#enqueueAdopters(pod);
      return;
    }
    // A pod on its way out is replaced at once; its deletion may take its whole grace period.
    if (isTerminating(pod)) this.#expectations.deletionObserved(after, keyOf(pod));
    this.queue.add(after);
  }

  #podDeleted(pod: Pod): void {
    const key = this.#ownerKey(pod);
    if (key === undefined) return;
    this.#expectations.deletionObserved(key, keyOf(pod));
    this.queue.add(key);
  }

  #enqueueAdopters(pod: Pod): void {
    if (controllerOf(pod) !== undefined) return;
    for (const owner of this.owners.lister.inNamespace(pod.metadata.namespace ?? '')) {
      const selector = this.#kind.selector(owner);
      if (!selector.everything && selector.matches(pod.metadata.labels)) this.queue.add(keyOf(owner));
    }
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | undefined> {
    const owner = this.owners.lister.getByKey(key);
    if (owner === undefined) {
      this.#expectations.forget(key);
      return undefined;
    }
    const settled = this.#expectations.satisfied(key);
    const pods = await this.#claim(owner);
    const active = pods.filter(isPodActive);
    let failure: unknown;
    if (settled && !isTerminating(owner)) failure = await this.#manage(key, owner, active);
    const nowMs = this.#context.clock.now();
    await writeStatus(this.#client, owner, this.#statusOf(owner, pods, failure, nowMs));
    if (failure !== undefined) throw failure;
    const soonMs = nextAvailableInMs(active, this.#kind.minReadySeconds(owner), nowMs);
    return soonMs === undefined ? undefined : { requeueAfterMs: soonMs };
  }

  #claim(owner: T): Promise<Pod[]> {
    const { name = '', namespace = '', uid = '' } = owner.metadata;
    const selector = this.#kind.selector(owner);
    return claimObjects(
      {
        owner,
        freshOwner: () => this.#client.get(name, inNamespaceOf(owner)),
        client: this.#podClient,
        matches: (pod) => selector.matches(pod.metadata.labels),
      },
      this.pods.lister.byIndex(byController, uid),
      this.pods.lister.byIndex(orphansByNamespace, namespace).filter(isPodActive),
    );
  }

  /** Brings the number of pods to what is wanted; returns what went wrong, if anything did. */
  async #manage(key: string, owner: T, active: readonly Pod[]): Promise<unknown> {
    const surplus = active.length - this.#kind.replicas(owner);
    if (surplus < 0) return this.#createPods(key, owner, Math.min(-surplus, burstReplicas));
    if (surplus > 0) return this.#deletePods(key, owner, active, Math.min(surplus, burstReplicas));
    return undefined;
  }

  async #createPods(key: string, owner: T, count: number): Promise<unknown> {
    const template = this.#kind.template(owner);
    if (template === undefined) return undefined;
    this.#expectations.expectCreations(key, count);
    let attempted = 0;
    const { error } = await slowStart(count, async () => {
      attempted++;
      try {
        const pod = await this.#podClient.create(podFromTemplate(template, owner));
        this.#recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (failure) {
        this.#expectations.creationObserved(key);
        if (isNamespaceTerminating(failure)) return;
        this.#recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(failure)}`);
        throw failure;
      }
    });
    for (let skipped = attempted; skipped < count; skipped++) this.#expectations.creationObserved(key);
    return error;
  }

  async #deletePods(key: string, owner: T, active: readonly Pod[], count: number): Promise<unknown> {
    const victims = count === active.length ? active : this.#ranked(owner, active).slice(0, count);
    this.#expectations.expectDeletions(key, victims.map(keyOf));
    try {
      await inParallel(victims, parallelWrites, async (pod) => {
        const { name = '', uid } = pod.metadata;
        try {
          await this.#podClient.delete(name, {
            ...inNamespaceOf(pod),
            ...(uid === undefined ? {} : { preconditions: { uid } }),
          });
          this.#recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
        } catch (failure) {
          this.#expectations.deletionObserved(key, keyOf(pod));
          if (isNotFound(failure)) return;
          this.#recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(failure)}`);
          throw failure;
        }
      });
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Crowding counts the pods of all ReplicaSets of the same Deployment, so that a rollout keeps the spread. */
  #ranked(owner: T, active: readonly Pod[]): Pod[] {
    const perNode = new Map<string, number>();
    for (const pod of [...active, ...this.#siblingPods(owner)]) {
      const node = pod.spec.nodeName ?? '';
      perNode.set(node, (perNode.get(node) ?? 0) + 1);
    }
    const rank = (pod: Pod): number => perNode.get(pod.spec.nodeName ?? '') ?? 0;
    return [...active].sort((left, right) => compareForDeletion(left, right, rank));
  }

  #siblingPods(owner: T): Pod[] {
    const parent = controllerOf(owner)?.uid;
    if (parent === undefined) return [];
    return this.owners.lister
      .inNamespace(owner.metadata.namespace ?? '')
      .filter((each) => each !== owner && controllerOf(each)?.uid === parent)
      .flatMap((each) => this.pods.lister.byIndex(byController, each.metadata.uid ?? ''))
      .filter(isPodActive);
  }

  #statusOf(owner: T, pods: readonly Pod[], failure: unknown, nowMs: number): ReplicaSetStatus {
    const minReadySeconds = this.#kind.minReadySeconds(owner);
    const labels = Object.entries(this.#kind.template(owner)?.metadata?.labels ?? {});
    const counts = { replicas: 0, fullyLabeledReplicas: 0, readyReplicas: 0, availableReplicas: 0 };
    let terminatingReplicas = 0;
    for (const pod of pods) {
      if (isTerminating(pod)) terminatingReplicas++;
      if (!isPodActive(pod)) continue;
      counts.replicas++;
      if (labels.every(([key, value]) => pod.metadata.labels?.[key] === value)) counts.fullyLabeledReplicas++;
      if (isPodReady(pod)) counts.readyReplicas++;
      if (isPodAvailable(pod, minReadySeconds, nowMs)) counts.availableReplicas++;
    }
    const previous = owner.status?.conditions;
    const failed = findCondition(previous, 'ReplicaFailure') !== undefined;
    let conditions = previous ?? [];
    if (failure !== undefined && !failed) {
      const reason = counts.replicas < this.#kind.replicas(owner) ? 'FailedCreate' : 'FailedDelete';
      const next = { type: 'ReplicaFailure', status: 'True' as const, reason, message: messageOf(failure) };
      conditions = withCondition(previous, next, nowMs);
    } else if (failure === undefined && failed) conditions = withoutCondition(previous, 'ReplicaFailure');
    return {
      ...nonZero(counts),
      replicas: counts.replicas,
      ...(terminatingReplicas === 0 || this.#kind.kind !== 'ReplicaSet' ? {} : { terminatingReplicas }),
      observedGeneration: owner.metadata.generation ?? 0,
      ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
    };
  }
}

/** Status counts that are zero are left out, as Kubernetes' omitempty does. */
function nonZero(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
