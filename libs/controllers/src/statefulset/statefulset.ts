import {
  isAlreadyExists,
  isNotFound,
  keyOf,
  makeKey,
  resources,
  type ControllerRevision,
  type EventRecorder,
  type Informer,
  type PersistentVolumeClaim,
  type Pod,
  type PodTemplateSpec,
  type ResourceClient,
  type StatefulSet,
  type WorkQueue,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from '../context.js';
import { claimObjects } from '../core/claim.js';
import {
  currentRevision,
  revisionsOf,
  templateOf,
  truncateRevisions,
  type RevisionStore,
} from '../core/controller-revisions.js';
import { byController, indexByController, orphansByNamespace } from '../core/indexes.js';
import { controllerOf } from '../core/owner.js';
import {
  isPodAvailable,
  isPodFinished,
  isPodReady,
  isTerminating,
  nextAvailableInMs,
} from '../core/pod-state.js';
import { selectorOf } from '../core/selectors.js';
import { inNamespaceOf, writeStatus } from '../core/status.js';
import { claimsOf, ordinalOf, podOf, revisionNameOf, startOrdinal } from './pods.js';

/**
 * StatefulSet: pods with ordinals. OrderedReady makes them one after the other, each available before the next, and
 * takes them away from the top; Parallel does not wait. A rolling update replaces from the top down to the partition,
 * one at a time, and halts at a pod that does not become healthy. Templates are kept as ControllerRevisions.
 */
export function createStatefulSetController(context: ControllerContext): Controller {
  const core = new StatefulSetCore(context);
  return makeController(context, {
    name: 'statefulset',
    workers: 5,
    queue: core.queue,
    needs: [core.sets, core.pods, core.revisions, core.claims],
    reconcile: (key) => core.reconcile(key),
  });
}

interface Revisions {
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
}

class StatefulSetCore {
  readonly queue: WorkQueue;
  readonly sets: Informer<StatefulSet>;
  readonly pods: Informer<Pod>;
  readonly revisions: Informer<ControllerRevision>;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly #context: ControllerContext;
  readonly #client: ResourceClient<StatefulSet>;
  readonly #podClient: ResourceClient<Pod>;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#client = context.client.resource(resources.statefulSets);
    this.#podClient = context.client.resource(resources.pods);
    this.#recorder = context.recorderFor('statefulset-controller');
    this.queue = queueFor(context, 'statefulset');
    this.sets = context.informers.informer(resources.statefulSets);
    this.pods = context.informers.informer(resources.pods);
    this.revisions = context.informers.informer(resources.controllerRevisions);
    this.claims = context.informers.informer(resources.persistentVolumeClaims);
    indexByController(this.pods);
    indexByController(this.revisions);
    const enqueue = (set: StatefulSet): void => this.queue.add(keyOf(set));
    this.sets.addHandler({ add: enqueue, update: enqueue, delete: enqueue });
    const enqueueOwner = (pod: Pod): void => {
      const owner = controllerOf(pod);
      if (owner?.kind === 'StatefulSet') this.queue.add(makeKey(pod.metadata.namespace, owner.name));
      else if (owner === undefined) this.#enqueueAdopters(pod);
    };
    this.pods.addHandler({
      add: enqueueOwner,
      update: (pod, previous) => {
        if (controllerOf(previous)?.uid !== controllerOf(pod)?.uid) enqueueOwner(previous);
        enqueueOwner(pod);
      },
      delete: enqueueOwner,
    });
  }

  #enqueueAdopters(pod: Pod): void {
    for (const set of this.sets.lister.inNamespace(pod.metadata.namespace ?? '')) {
      if (selectorOf(set.spec.selector).matches(pod.metadata.labels)) this.queue.add(keyOf(set));
    }
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | undefined> {
    const set = this.sets.lister.getByKey(key);
    if (set === undefined) return undefined;
    const selector = selectorOf(set.spec.selector);
    const { name = '', namespace = '', uid = '' } = set.metadata;
    const freshOwner = (): Promise<StatefulSet> => this.#client.get(name, inNamespaceOf(set));
    const pods = await claimObjects(
      {
        owner: set,
        freshOwner,
        client: this.#podClient,
        matches: (pod) => selector.matches(pod.metadata.labels) && ordinalOf(set, pod) !== undefined,
      },
      this.pods.lister.byIndex(byController, uid),
      this.pods.lister.byIndex(orphansByNamespace, namespace),
    );
    const store = {
      client: this.#context.client.resource(resources.controllerRevisions),
      informer: this.revisions,
      freshOwner,
    };
    const revisions = await this.#revisions(store, set, pods);
    if (revisions === undefined) return undefined;
    try {
      if (!isTerminating(set)) await new Step(this, set, pods, revisions).run();
    } finally {
      await writeStatus(this.#client, set, this.#statusOf(set, pods, revisions));
    }
    const soonMs = nextAvailableInMs(pods, set.spec.minReadySeconds ?? 0, this.#context.clock.now());
    return soonMs === undefined ? undefined : { requeueAfterMs: soonMs };
  }

  async #revisions(
    store: RevisionStore,
    set: StatefulSet,
    pods: readonly Pod[],
  ): Promise<Revisions | undefined> {
    const known = await revisionsOf(store, set);
    const result = await currentRevision(store, set, known, set.status?.collisionCount);
    if (result.kind === 'collision') {
      const collisionCount = (set.status?.collisionCount ?? 0) + 1;
      await writeStatus(this.#client, set, { replicas: 0, ...set.status, collisionCount });
      return undefined;
    }
    const update = result.revision;
    const current =
      known.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? update;
    const live = new Set(pods.map(revisionNameOf));
    const inUse = (revision: ControllerRevision): boolean => {
      const { name } = revision.metadata;
      return name === update.metadata.name || name === current.metadata.name || live.has(name);
    };
    await truncateRevisions(store, known, inUse, set.spec.revisionHistoryLimit ?? 10);
    return { current, update };
  }

  #statusOf(
    set: StatefulSet,
    pods: readonly Pod[],
    { current, update }: Revisions,
  ): NonNullable<StatefulSet['status']> {
    const nowMs = this.#context.clock.now();
    const alive = pods.filter((pod) => !isPodFinished(pod));
    const settled = alive.filter((pod) => !isTerminating(pod));
    const count = (test: (pod: Pod) => boolean): number => settled.filter(test).length;
    const status = {
      replicas: alive.length,
      readyReplicas: count(isPodReady),
      availableReplicas: count((pod) => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)),
      currentReplicas: count((pod) => revisionNameOf(pod) === current.metadata.name),
      updatedReplicas: count((pod) => revisionNameOf(pod) === update.metadata.name),
      currentRevision: current.metadata.name ?? '',
      updateRevision: update.metadata.name ?? '',
    };
    const rolls = set.spec.updateStrategy?.type !== 'OnDelete';
    const isComplete = status.updatedReplicas === status.replicas && status.readyReplicas === status.replicas;
    if (rolls && isComplete) {
      status.currentReplicas = status.updatedReplicas;
      status.currentRevision = status.updateRevision;
    }
    const { collisionCount, conditions } = set.status ?? {};
    return {
      ...Object.fromEntries(
        Object.entries(status).filter(
          ([field, value]) => value !== 0 || field === 'replicas' || field === 'availableReplicas',
        ),
      ),
      observedGeneration: set.metadata.generation ?? 0,
      collisionCount: collisionCount ?? 0,
      ...(conditions === undefined ? {} : { conditions }),
    };
  }

  isAvailable(set: StatefulSet, pod: Pod): boolean {
    return isPodAvailable(pod, set.spec.minReadySeconds ?? 0, this.#context.clock.now());
  }

  async create(
    set: StatefulSet,
    template: PodTemplateSpec,
    ordinal: number,
    revision: string,
  ): Promise<void> {
    await this.#createClaims(set, ordinal);
    const pod = podOf(set, template, ordinal, revision);
    const { name } = pod.metadata;
    try {
      await this.#podClient.create(pod);
      this.#recorder.event(
        set,
        'Normal',
        'SuccessfulCreate',
        `create Pod ${name} in StatefulSet ${set.metadata.name} successful`,
      );
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!isAlreadyExists(error)) {
        this.#recorder.event(
          set,
          'Warning',
          'FailedCreate',
          `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${message}`,
        );
      }
      throw error;
    }
  }

  async #createClaims(set: StatefulSet, ordinal: number): Promise<void> {
    for (const claim of claimsOf(set, ordinal)) {
      if (this.claims.lister.get(claim.metadata.namespace, claim.metadata.name ?? '') !== undefined) continue;
      const { name } = claim.metadata;
      try {
        await this.#context.client.resource(resources.persistentVolumeClaims).create(claim);
        this.#recorder.event(
          set,
          'Normal',
          'SuccessfulCreate',
          `create Claim ${name} Pod ${set.metadata.name}-${ordinal} in StatefulSet ${set.metadata.name} success`,
        );
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
  }

  async delete(set: StatefulSet, pod: Pod): Promise<void> {
    const { name = '', uid } = pod.metadata;
    try {
      await this.#podClient.delete(name, {
        ...inNamespaceOf(pod),
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
      this.#recorder.event(
        set,
        'Normal',
        'SuccessfulDelete',
        `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`,
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** One reconcile's worth of making, deleting and updating pods. */
class Step {
  readonly #core: StatefulSetCore;
  readonly #set: StatefulSet;
  readonly #revisions: Revisions;
  /** By ordinal, those that are wanted. */
  readonly #wanted = new Map<number, Pod>();
  /** Those above or below the wanted range, highest first. */
  readonly #condemned: Pod[] = [];
  readonly #ordered: boolean;
  readonly #start: number;
  readonly #end: number;

  constructor(core: StatefulSetCore, set: StatefulSet, pods: readonly Pod[], revisions: Revisions) {
    this.#core = core;
    this.#set = set;
    this.#revisions = revisions;
    this.#ordered = set.spec.podManagementPolicy !== 'Parallel';
    this.#start = startOrdinal(set);
    this.#end = this.#start + (set.spec.replicas ?? 1);
    for (const pod of pods) {
      const ordinal = ordinalOf(set, pod) ?? -1;
      if (ordinal >= this.#start && ordinal < this.#end) this.#wanted.set(ordinal, pod);
      else this.#condemned.push(pod);
    }
    this.#condemned.sort((left, right) => (ordinalOf(set, right) ?? 0) - (ordinalOf(set, left) ?? 0));
  }

  async run(): Promise<void> {
    if (!(await this.#fill())) return;
    if (!(await this.#drain())) return;
    if (this.#set.spec.updateStrategy?.type !== 'OnDelete') await this.#update();
  }

  /** Makes what is missing. False while something must be waited for. */
  async #fill(): Promise<boolean> {
    for (let ordinal = this.#start; ordinal < this.#end; ordinal++) {
      const pod = this.#wanted.get(ordinal);
      if (pod === undefined) {
        await this.#create(ordinal);
        if (this.#ordered) return false;
        continue;
      }
      if (isPodFinished(pod)) {
        // Made again once it is gone: one name can belong to one pod only.
        if (!isTerminating(pod)) await this.#core.delete(this.#set, pod);
        if (this.#ordered) return false;
        continue;
      }
      if (this.#ordered && (isTerminating(pod) || !this.#core.isAvailable(this.#set, pod))) return false;
    }
    return true;
  }

  #create(ordinal: number): Promise<void> {
    const { current, update } = this.#revisions;
    const revision = this.#keepsCurrent(ordinal) ? current : update;
    const template = templateOf(revision) ?? this.#set.spec.template;
    return this.#core.create(this.#set, template, ordinal, revision.metadata.name ?? '');
  }

  /** Ordinals below the partition are made again as they were. */
  #keepsCurrent(ordinal: number): boolean {
    const strategy = this.#set.spec.updateStrategy;
    if (strategy?.type === 'OnDelete') return false;
    if (strategy?.rollingUpdate === undefined) {
      return ordinal < this.#start + (this.#set.status?.currentReplicas ?? 0);
    }
    return ordinal < this.#start + (strategy.rollingUpdate.partition ?? 0);
  }

  /** Takes away what is too much, from the top. */
  async #drain(): Promise<boolean> {
    for (const pod of this.#condemned) {
      if (isTerminating(pod)) {
        if (this.#ordered) return false;
        continue;
      }
      await this.#core.delete(this.#set, pod);
      if (this.#ordered) return false;
    }
    return true;
  }

  /** Replaces the highest pod of an old revision, once all above it are healthy. */
  async #update(): Promise<void> {
    const partition = this.#set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
    for (let ordinal = this.#end - 1; ordinal >= this.#start + partition; ordinal--) {
      const pod = this.#wanted.get(ordinal);
      if (pod === undefined) return;
      if (revisionNameOf(pod) !== this.#revisions.update.metadata.name && !isTerminating(pod)) {
        await this.#core.delete(this.#set, pod);
        return;
      }
      if (isTerminating(pod) || !this.#core.isAvailable(this.#set, pod)) return;
    }
  }
}
