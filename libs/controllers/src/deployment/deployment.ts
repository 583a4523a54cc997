import {
  deepCopy,
  isAlreadyExists,
  isNotFound,
  keyOf,
  makeKey,
  resources,
  type Deployment,
  type EventRecorder,
  type Informer,
  type Pod,
  type ReplicaSet,
  type ResourceClient,
  type WorkQueue,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from '../context.js';
import { claimObjects } from '../core/claim.js';
import { findCondition, withCondition } from '../core/conditions.js';
import { byController, indexByController, orphansByNamespace } from '../core/indexes.js';
import { controllerOf } from '../core/owner.js';
import { isPodFinished, isTerminating } from '../core/pod-state.js';
import { selectorOf } from '../core/selectors.js';
import { inNamespaceOf, writeStatus } from '../core/status.js';
import { templateHash } from '../core/template-hash.js';
import { annotationsFor, revisionAnnotation, revisionOf } from './annotations.js';
import { byAge, findNewSet, replicasOf, sameTemplate } from './replica-sets.js';
import { newSetOf, sizeAnnotations } from './new-set.js';
import { growNewSet, shrinkOldSets } from './rolling.js';
import { isScalingEvent, scaleSets } from './scale.js';
import { countStatus, isComplete, reasons, withProgress } from './status.js';

/**
 * Deployment: one ReplicaSet a template, and the way from the old one to the new. RollingUpdate never has more than
 * replicas + maxSurge pods wanted, nor takes availability below replicas - maxUnavailable; Recreate empties the old
 * sets before it fills the new one. Revisions, hashes and annotations are those that kubectl's `rollout` reads.
 */
export function createDeploymentController(context: ControllerContext): Controller {
  const core = new DeploymentCore(context);
  return makeController(context, {
    name: 'deployment',
    workers: 5,
    queue: core.queue,
    needs: [core.deployments, core.sets, core.pods],
    reconcile: (key) => core.reconcile(key),
  });
}

class DeploymentCore {
  readonly queue: WorkQueue;
  readonly deployments: Informer<Deployment>;
  readonly sets: Informer<ReplicaSet>;
  readonly pods: Informer<Pod>;
  readonly #context: ControllerContext;
  readonly #client: ResourceClient<Deployment>;
  readonly #setClient: ResourceClient<ReplicaSet>;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#client = context.client.resource(resources.deployments);
    this.#setClient = context.client.resource(resources.replicaSets);
    this.#recorder = context.recorderFor('deployment-controller');
    this.queue = queueFor(context, 'deployment');
    this.deployments = context.informers.informer(resources.deployments);
    this.sets = context.informers.informer(resources.replicaSets);
    this.pods = context.informers.informer(resources.pods);
    indexByController(this.sets);
    indexByController(this.pods);
    const enqueue = (deployment: Deployment): void => this.queue.add(keyOf(deployment));
    this.deployments.addHandler({ add: enqueue, update: enqueue, delete: enqueue });
    this.sets.addHandler({
      add: (set) => this.#enqueueOwner(set),
      update: (set, previous) => {
        if (controllerOf(previous)?.uid !== controllerOf(set)?.uid) this.#enqueueOwner(previous);
        this.#enqueueOwner(set);
      },
      delete: (set) => this.#enqueueOwner(set),
    });
    // Recreate waits for the last old pod to be gone.
    this.pods.addHandler({ delete: (pod) => this.#enqueueRecreate(pod) });
  }

  #enqueueOwner(set: ReplicaSet): void {
    const owner = controllerOf(set);
    const namespace = set.metadata.namespace ?? '';
    if (owner !== undefined) {
      if (owner.kind === 'Deployment') this.queue.add(makeKey(namespace, owner.name));
      return;
    }
    for (const deployment of this.deployments.lister.inNamespace(namespace)) {
      const selector = selectorOf(deployment.spec.selector);
      if (!selector.everything && selector.matches(set.metadata.labels)) this.queue.add(keyOf(deployment));
    }
  }

  #enqueueRecreate(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return;
    const set = this.sets.lister.get(pod.metadata.namespace, owner.name);
    const parent = set === undefined ? undefined : controllerOf(set);
    const deployment = this.deployments.lister.get(pod.metadata.namespace, parent?.name ?? '');
    if (deployment?.spec.strategy?.type === 'Recreate') this.queue.add(keyOf(deployment));
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | undefined> {
    const deployment = this.deployments.lister.getByKey(key);
    if (deployment === undefined) return undefined;
    if (selectorOf(deployment.spec.selector).everything) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      this.#recorder.event(deployment, 'Warning', 'SelectingAll', message);
      return undefined;
    }
    const sets = await this.#claimSets(deployment);
    if (isTerminating(deployment)) {
      await this.#count(deployment, sets, findNewSet(deployment, sets));
      return undefined;
    }
    if (await this.#notePause(deployment)) return undefined;
    if (deployment.spec.paused === true || isScalingEvent(deployment, sets))
      return this.#sync(deployment, sets);
    return deployment.spec.strategy?.type === 'Recreate'
      ? this.#recreate(deployment, sets)
      : this.#roll(deployment, sets);
  }

  #claimSets(deployment: Deployment): Promise<ReplicaSet[]> {
    const { name = '', namespace = '', uid = '' } = deployment.metadata;
    const selector = selectorOf(deployment.spec.selector);
    return claimObjects(
      {
        owner: deployment,
        freshOwner: () => this.#client.get(name, inNamespaceOf(deployment)),
        client: this.#setClient,
        matches: (set) => selector.matches(set.metadata.labels),
      },
      this.sets.lister.byIndex(byController, uid),
      this.sets.lister.byIndex(orphansByNamespace, namespace),
    );
  }

  /** Scales and reports, without changing what the sets are. */
  async #sync(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
  ): Promise<{ requeueAfterMs?: number } | undefined> {
    const newSet = await this.#syncRevision(deployment, sets, false);
    const oldSets = sets.filter((set) => set.metadata.uid !== newSet?.metadata.uid);
    for (const { set, replicas } of scaleSets(deployment, newSet, oldSets))
      await this.#resize(deployment, set, replicas);
    if (deployment.spec.paused === true) await this.#cleanUp(deployment, oldSets);
    await this.#count(deployment, sets, newSet);
    return undefined;
  }

  async #roll(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
  ): Promise<{ requeueAfterMs?: number } | undefined> {
    const newSet = await this.#syncRevision(deployment, sets, true);
    if (newSet === undefined) return undefined;
    const oldSets = sets.filter((set) => set.metadata.uid !== newSet.metadata.uid);
    const all = [...oldSets, newSet];
    const grown = growNewSet(deployment, newSet, all);
    if (grown !== undefined) {
      await this.#resize(deployment, newSet, grown);
      return this.#report(deployment, all, newSet);
    }
    const smaller = shrinkOldSets(deployment, newSet, oldSets);
    for (const { set, replicas } of smaller) await this.#resize(deployment, set, replicas);
    if (smaller.length === 0) await this.#finish(deployment, all, newSet, oldSets);
    return this.#report(deployment, all, newSet);
  }

  async #recreate(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
  ): Promise<{ requeueAfterMs?: number } | undefined> {
    const known = await this.#syncRevision(deployment, sets, false);
    const oldSets = sets.filter((set) => set.metadata.uid !== known?.metadata.uid);
    const running = oldSets.filter((set) => replicasOf(set) > 0);
    for (const set of running) await this.#resize(deployment, set, 0);
    const oldPods = oldSets.flatMap((set) => this.pods.lister.byIndex(byController, set.metadata.uid ?? ''));
    if (running.length > 0 || oldPods.some((pod) => !isPodFinished(pod))) {
      return this.#report(deployment, sets, known);
    }
    const newSet = known ?? (await this.#syncRevision(deployment, sets, true));
    if (newSet === undefined) return undefined;
    const all = [...oldSets, newSet];
    if (replicasOf(newSet) !== replicasOf(deployment)) {
      await this.#resize(deployment, newSet, replicasOf(deployment));
    }
    await this.#finish(deployment, all, newSet, oldSets);
    return this.#report(deployment, all, newSet);
  }

  async #finish(
    deployment: Deployment,
    all: readonly ReplicaSet[],
    newSet: ReplicaSet,
    oldSets: readonly ReplicaSet[],
  ): Promise<void> {
    const status = countStatus(deployment, all, newSet, this.#context.clock.now());
    if (isComplete(deployment, status)) await this.#cleanUp(deployment, oldSets);
  }

  /** The new set with its annotations right and its revision on the Deployment; made where it is missing and `create`. */
  async #syncRevision(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    create: boolean,
  ): Promise<ReplicaSet | undefined> {
    const found = findNewSet(deployment, sets);
    const others = sets.filter((set) => set !== found);
    const revision = Math.max(0, ...others.map(revisionOf)) + 1;
    if (found === undefined && !create) return undefined;
    const newSet =
      found === undefined
        ? await this.#createSet(deployment, sets, revision)
        : await this.#annotateSet(deployment, found, revision);
    if (newSet !== undefined) await this.#noteRevision(deployment, newSet, found !== undefined);
    return newSet;
  }

  async #annotateSet(deployment: Deployment, set: ReplicaSet, revision: number): Promise<ReplicaSet> {
    const current = set.metadata.annotations ?? {};
    const annotations = annotationsFor(deployment, current, revision);
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    const sameAnnotations =
      Object.keys(annotations).length === Object.keys(current).length &&
      Object.entries(annotations).every(([key, value]) => current[key] === value);
    if (sameAnnotations && (set.spec.minReadySeconds ?? 0) === minReadySeconds) return set;
    const next = deepCopy(set);
    next.metadata.annotations = annotations;
    next.spec.minReadySeconds = minReadySeconds;
    return this.#setClient.update(next);
  }

  /** Writes the revision to the Deployment, and a first Progressing condition where there is none. */
  async #noteRevision(deployment: Deployment, newSet: ReplicaSet, existed: boolean): Promise<void> {
    const revision = newSet.metadata.annotations?.[revisionAnnotation];
    if (revision !== undefined && deployment.metadata.annotations?.[revisionAnnotation] !== revision) {
      const patch = {
        metadata: { uid: deployment.metadata.uid, annotations: { [revisionAnnotation]: revision } },
      };
      await this.#client.patch(deployment.metadata.name ?? '', patch, inNamespaceOf(deployment));
    }
    const progressing = findCondition(deployment.status?.conditions, 'Progressing');
    if (deployment.spec.progressDeadlineSeconds === undefined) return;
    if (existed && progressing !== undefined) return;
    const message = existed
      ? `Found new replica set "${newSet.metadata.name}"`
      : `Created new replica set "${newSet.metadata.name}"`;
    await this.#setProgressing(deployment, 'True', existed ? reasons.found : reasons.created, message);
  }

  async #createSet(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    revision: number,
  ): Promise<ReplicaSet | undefined> {
    const hash = templateHash(deployment.spec.template, deployment.status?.collisionCount);
    const set = newSetOf(deployment, sets, hash, revision);
    const { name = '' } = set.metadata;
    const { replicas = 0 } = set.spec;
    try {
      const created = await this.#setClient.create(set);
      if (replicas > 0) this.#noteScaling(deployment, `Scaled up replica set ${name} from 0 to ${replicas}`);
      return created;
    } catch (error) {
      if (isAlreadyExists(error)) return this.#resolveCollision(deployment, name);
      const message = error instanceof Error ? error.message : String(error);
      this.#recorder.event(
        deployment,
        'Warning',
        reasons.createFailed,
        `Failed to create new replica set "${name}": ${message}`,
      );
      await this.#setProgressing(deployment, 'False', reasons.createFailed, message);
      throw error;
    }
  }

  /** The name is taken: by the set itself, which the cache does not show yet, or by another with the same hash. */
  async #resolveCollision(deployment: Deployment, name: string): Promise<ReplicaSet | undefined> {
    const existing = await this.#setClient.get(name, inNamespaceOf(deployment));
    const isOurs = controllerOf(existing)?.uid === deployment.metadata.uid;
    if (isOurs && sameTemplate(existing.spec.template, deployment.spec.template)) return existing;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await writeStatus(this.#client, deployment, { ...deployment.status, collisionCount });
    return undefined; // the status change brings the Deployment back here, with another hash
  }

  async #setProgressing(
    deployment: Deployment,
    status: 'True' | 'False' | 'Unknown',
    reason: string,
    message: string,
  ): Promise<void> {
    const conditions = withCondition(
      deployment.status?.conditions,
      { type: 'Progressing', status, reason, message },
      this.#context.clock.now(),
      { updateTime: true },
    );
    const patch = {
      metadata: { uid: deployment.metadata.uid },
      status: { conditions: deepCopy(conditions) },
    };
    await this.#client.patch(deployment.metadata.name ?? '', patch, {
      ...inNamespaceOf(deployment),
      subresource: 'status',
    });
  }

  /** Shows pausing and resuming as conditions. True when it wrote: the change brings the Deployment back. */
  async #notePause(deployment: Deployment): Promise<boolean> {
    if (deployment.spec.progressDeadlineSeconds === undefined) return false;
    const current = findCondition(deployment.status?.conditions, 'Progressing');
    if (current?.reason === reasons.timedOut) return false;
    const isPaused = deployment.spec.paused === true;
    if (isPaused === (current?.reason === reasons.paused)) return false;
    await this.#setProgressing(
      deployment,
      'Unknown',
      isPaused ? reasons.paused : reasons.resumed,
      isPaused ? 'Deployment is paused' : 'Deployment is resumed',
    );
    return true;
  }

  async #resize(deployment: Deployment, set: ReplicaSet, replicas: number): Promise<void> {
    const from = replicasOf(set);
    const sizes = sizeAnnotations(deployment);
    const annotated = Object.entries(sizes).every(
      ([key, value]) => set.metadata.annotations?.[key] === value,
    );
    if (from === replicas && annotated) return;
    const next = deepCopy(set);
    next.spec.replicas = replicas;
    next.metadata.annotations = { ...next.metadata.annotations, ...sizes };
    await this.#setClient.update(next);
    if (from === replicas) return;
    const direction = replicas > from ? 'up' : 'down';
    this.#noteScaling(
      deployment,
      `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${replicas}`,
    );
  }

  #noteScaling(deployment: Deployment, message: string): void {
    this.#recorder.event(deployment, 'Normal', 'ScalingReplicaSet', message);
  }

  /** Deletes empty old sets beyond the history limit, oldest revision first. */
  async #cleanUp(deployment: Deployment, oldSets: readonly ReplicaSet[]): Promise<void> {
    const limit = deployment.spec.revisionHistoryLimit;
    if (limit === undefined) return;
    const cleanable = oldSets.filter((set) => !isTerminating(set));
    const surplus = cleanable.length - limit;
    if (surplus <= 0) return;
    const ordered = cleanable.toSorted(
      (left, right) => revisionOf(left) - revisionOf(right) || byAge(left, right),
    );
    for (const set of ordered.slice(0, surplus)) {
      const isEmpty = (set.status?.replicas ?? 0) === 0 && replicasOf(set) === 0;
      if (!isEmpty || (set.metadata.generation ?? 0) > (set.status?.observedGeneration ?? 0)) continue;
      try {
        await this.#setClient.delete(set.metadata.name ?? '', inNamespaceOf(set));
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  /** Counts only: while paused or deleted there is no progress to judge. */
  async #count(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet | undefined,
  ): Promise<void> {
    const basis = this.#newest(deployment);
    const seen = { ...deployment, status: basis.status ?? {} };
    await writeStatus(this.#client, basis, countStatus(seen, sets, newSet, this.#context.clock.now()));
  }

  async #report(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet | undefined,
  ): Promise<{ requeueAfterMs?: number } | undefined> {
    const nowMs = this.#context.clock.now();
    const basis = this.#newest(deployment);
    const seen = { ...deployment, status: basis.status ?? {} };
    const counted = countStatus(seen, sets, newSet, nowMs);
    const progress = withProgress(seen, counted, sets, newSet, nowMs);
    await writeStatus(this.#client, basis, progress.status);
    return progress.requeueAfterMs === undefined ? undefined : { requeueAfterMs: progress.requeueAfterMs };
  }

  /** Conditions may have been written a moment ago (created, paused): start from the newest that the cache shows. */
  #newest(deployment: Deployment): Deployment {
    const fresh = this.deployments.lister.getByKey(keyOf(deployment));
    return fresh?.metadata.uid === deployment.metadata.uid ? (fresh ?? deployment) : deployment;
  }
}
