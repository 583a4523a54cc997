import type { KubernetesObject, OwnerReference } from '#libs/apimachinery';
import {
  deepCopy,
  isConflict,
  isNotFound,
  runController,
  sleep,
  type EventRecorder,
  type Informer,
  type WorkQueue,
} from '#libs/client';
import { queueFor, type Controller, type ControllerContext } from '../context.js';
import { canDo, discoverResources, type DiscoveredResource } from '../core/discovery.js';
import {
  deletesDependents,
  foregroundFinalizer,
  isDeleting,
  orphanFinalizer,
  orphansDependents,
  OwnerGraph,
  type GraphNode,
} from './graph.js';

/** How often resources are discovered anew, so that custom resources made since are followed. */
const discoveryPeriodMs = 30_000;
const workers = 20;
/** Owners known to be gone are remembered, so that 5,000 dependents cost one look, not 5,000. */
const rememberedAbsent = 4_096;

/**
 * Deletes what nobody owns any more. Follows every resource that can be listed, watched and deleted (Events apart).
 * Background: dependents of a deleted owner go after it. Foreground: an owner with the finalizer `foregroundDeletion`
 * stays until the dependents that block it are gone. Orphan: with the finalizer `orphan` its dependents lose the
 * reference instead. Owners are compared by uid; a namespaced owner is looked for in the dependent's namespace only.
 */
export function createGarbageCollector(context: ControllerContext): Controller {
  const collector = new GarbageCollector(context);
  return { name: 'garbage-collector', start: (signal) => collector.run(signal) };
}

type OwnerState = 'present' | 'absent' | 'waiting';

class GarbageCollector {
  readonly #context: ControllerContext;
  readonly #graph = new OwnerGraph();
  readonly #queue: WorkQueue;
  readonly #orphanQueue: WorkQueue;
  readonly #recorder: EventRecorder;
  readonly #resources = new Map<string, DiscoveredResource>();
  readonly #absent = new Set<string>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = queueFor(context, 'garbage_collector_attempt_to_delete');
    this.#orphanQueue = queueFor(context, 'garbage_collector_attempt_to_orphan');
    this.#recorder = context.recorderFor('garbage-collector-controller');
  }

  async run(signal: AbortSignal): Promise<void> {
    const ready = await this.#followAll(signal);
    if (!ready) return;
    const onError = this.#context.onError;
    const common = { signal, ...(onError === undefined ? {} : { onError }) };
    await Promise.all([
      runController({
        ...common,
        name: 'garbage-collector',
        queue: this.#queue,
        workers,
        reconcile: (uid) => this.#attemptToDelete(uid),
      }),
      runController({
        ...common,
        name: 'garbage-collector',
        queue: this.#orphanQueue,
        workers,
        reconcile: (uid) => this.#attemptToOrphan(uid),
      }),
      this.#rediscover(signal),
    ]);
  }

  async #followAll(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        await this.#discover(signal);
        return true;
      } catch (error) {
        if (!signal.aborted) this.#context.onError?.(error, 'discovery', 'garbage-collector');
      }
      await sleep(this.#context.clock, 1_000, signal);
    }
    return false;
  }

  async #rediscover(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#context.clock, discoveryPeriodMs, signal);
      if (!signal.aborted) await this.#followAll(signal);
    }
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const followed: Informer<KubernetesObject>[] = [];
    for (const resource of await discoverResources(this.#context.client, signal)) {
      const { group, version, resource: plural } = resource.ref;
      const key = `${group}/${plural}`;
      this.#resources.set(`${group}/${version}/${resource.kind}`, resource);
      this.#resources.set(`${group}/${resource.kind}`, resource);
      if (this.#resources.has(key) || plural === 'events' || !canDo(resource, 'list', 'watch', 'delete'))
        continue;
      this.#resources.set(key, resource);
      followed.push(this.#follow(resource));
    }
    await Promise.all(followed.map((informer) => informer.synced(signal)));
  }

  #follow(resource: DiscoveredResource): Informer<KubernetesObject> {
    const informer = this.#context.informers.informer(resource.ref);
    informer.addHandler({
      add: (object) => this.#changed(resource, object),
      update: (object) => this.#changed(resource, object),
      delete: (object) => this.#deleted(object),
    });
    return informer;
  }

  #changed(resource: DiscoveredResource, object: KubernetesObject): void {
    const previous = this.#graph.get(object.metadata.uid ?? '');
    const previousOwners = previous?.owners;
    const waitedBefore = previous !== undefined && deletesDependents(previous);
    const node = this.#graph.put(resource.ref, object);
    if (this.#absent.size > 0) this.#absent.delete(node.uid);
    if (orphansDependents(node)) return this.#orphanQueue.add(node.uid);
    if (deletesDependents(node)) {
      this.#queue.add(node.uid);
      if (waitedBefore) return; // its dependents are on their way already
      for (const dependent of this.#graph.dependentsOf(node.uid)) this.#queue.add(dependent.uid);
      return;
    }
    if (node.owners.length === 0) return;
    // Only what may have no owner left needs a look; a pod whose status changes does not.
    const isNew = previousOwners !== node.owners;
    if (isNew && node.owners.some((owner) => this.#needsLook(node, owner))) this.#queue.add(node.uid);
    if (isNew || isDeleting(node)) this.#enqueueWaitingOwners(node);
  }

  #needsLook(node: GraphNode, owner: OwnerReference): boolean {
    const known = this.#graph.get(owner.uid);
    if (known === undefined || deletesDependents(known)) return true;
    return !isReachable(known, node, owner);
  }

  #deleted(object: KubernetesObject): void {
    const uid = object.metadata.uid ?? '';
    const node = this.#graph.remove(uid);
    if (this.#graph.hasDependents(uid)) {
      this.#rememberAbsent(uid);
      for (const dependent of this.#graph.dependentsOf(uid)) this.#queue.add(dependent.uid);
    }
    if (node !== undefined) this.#enqueueWaitingOwners(node);
  }

  #enqueueWaitingOwners(node: GraphNode): void {
    for (const owner of node.owners) {
      const known = this.#graph.get(owner.uid);
      if (known !== undefined && deletesDependents(known)) this.#queue.add(owner.uid);
    }
  }

  #rememberAbsent(uid: string): void {
    this.#absent.add(uid);
    if (this.#absent.size > rememberedAbsent) {
      const oldest = this.#absent.values().next();
      if (oldest.done !== true) this.#absent.delete(oldest.value);
    }
  }

  async #attemptToDelete(uid: string): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined) return;
    if (deletesDependents(node)) return this.#finishForeground(node);
    if (isDeleting(node) || node.owners.length === 0) return;
    const states = new Map<OwnerReference, OwnerState>();
    for (const owner of node.owners) {
      const state = await this.#stateOf(node, owner);
      if (state === undefined) return; // cannot be told: keep the object
      states.set(owner, state);
    }
    const of = (wanted: OwnerState): OwnerReference[] =>
      node.owners.filter((owner) => states.get(owner) === wanted);
    const present = of('present');
    const gone = [...of('absent'), ...of('waiting')];
    if (present.length > 0) {
      if (gone.length > 0) await this.#patchOwners(node, present);
      return;
    }
    const isWaitedFor = of('waiting').length > 0 && this.#graph.hasDependents(uid);
    if (isWaitedFor) await this.#breakCycle(node);
    await this.#delete(node, isWaitedFor);
  }

  /** Takes the foreground finalizer off once no dependent blocks it any more. */
  async #finishForeground(node: GraphNode): Promise<void> {
    const dependents = this.#graph.dependentsOf(node.uid);
    const blocks = (dependent: GraphNode): boolean =>
      dependent.owners.some((owner) => owner.uid === node.uid && owner.blockOwnerDeletion === true);
    const blocking = dependents.filter(blocks);
    if (blocking.length === 0) return this.#removeFinalizer(node, foregroundFinalizer);
    for (const dependent of blocking) if (!isDeleting(dependent)) this.#queue.add(dependent.uid);
  }

  async #stateOf(node: GraphNode, owner: OwnerReference): Promise<OwnerState | undefined> {
    const known = this.#graph.get(owner.uid);
    if (known !== undefined && isReachable(known, node, owner))
      return deletesDependents(known) ? 'waiting' : 'present';
    if (known === undefined && this.#absent.has(owner.uid)) return 'absent';
    const resource = this.#resourceOf(owner);
    if (resource === undefined) return undefined;
    if (resource.namespaced && node.namespace === undefined) {
      const message = `ownerRef [${owner.apiVersion}/${owner.kind}, name: ${owner.name}, uid: ${owner.uid}] cannot be namespaced: a cluster-scoped object has cluster-scoped owners only`;
      this.#recorder.event(node.object, 'Warning', 'OwnerRefInvalidNamespace', message);
      return undefined;
    }
    try {
      const namespace = resource.namespaced ? node.namespace : undefined;
      const live = await this.#context.client
        .resource(resource.ref)
        .get(owner.name, namespace === undefined ? {} : { namespace });
      if (live.metadata.uid === owner.uid) return 'present';
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (known !== undefined) {
      const message = `ownerRef [${owner.apiVersion}/${owner.kind}, name: ${owner.name}, uid: ${owner.uid}] does not exist in namespace "${node.namespace ?? ''}"`;
      this.#recorder.event(node.object, 'Warning', 'OwnerRefInvalidNamespace', message);
    } else this.#rememberAbsent(owner.uid);
    return 'absent';
  }

  #resourceOf(owner: OwnerReference): DiscoveredResource | undefined {
    const slash = owner.apiVersion.indexOf('/');
    const group = slash === -1 ? '' : owner.apiVersion.slice(0, slash);
    const version = owner.apiVersion.slice(slash + 1);
    return (
      this.#resources.get(`${group}/${version}/${owner.kind}`) ??
      this.#resources.get(`${group}/${owner.kind}`)
    );
  }

  /** Dependents that are deleted in the foreground themselves would wait for this one, and it for them. */
  async #breakCycle(node: GraphNode): Promise<void> {
    if (!this.#graph.dependentsOf(node.uid).some(deletesDependents)) return;
    await this.#patchOwners(
      node,
      node.owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })),
    );
  }

  async #delete(node: GraphNode, foreground: boolean): Promise<void> {
    const { metadata } = node.object;
    const finalizers = metadata.finalizers ?? [];
    const keeps = finalizers.includes(orphanFinalizer)
      ? 'Orphan'
      : finalizers.includes(foregroundFinalizer) || foreground
        ? 'Foreground'
        : 'Background';
    try {
      await this.#context.client.resource(node.ref).delete(node.name, {
        ...namespaceOf(node),
        propagationPolicy: keeps,
        // What was decided holds for this state of the object only: its owners may have changed since.
        preconditions: {
          uid: node.uid,
          ...(metadata.resourceVersion === undefined || foreground
            ? {}
            : { resourceVersion: metadata.resourceVersion }),
        },
      });
    } catch (error) {
      if (isNotFound(error)) return;
      // Its status may have changed meanwhile, which moves the version; look again at what it is now.
      if (isConflict(error)) return this.#queue.addAfter(node.uid, 20);
      throw error;
    }
  }

  /** Dependents lose their reference to the owner; then the owner may go. */
  async #attemptToOrphan(uid: string): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined || !orphansDependents(node)) return;
    for (const dependent of this.#graph.dependentsOf(uid)) {
      await this.#patchOwners(
        dependent,
        dependent.owners.filter((owner) => owner.uid !== uid),
      );
    }
    await this.#removeFinalizer(node, orphanFinalizer);
  }

  async #removeFinalizer(node: GraphNode, finalizer: string): Promise<void> {
    const finalizers = (node.object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
    await this.#patch(node, { finalizers });
  }

  async #patchOwners(node: GraphNode, owners: readonly OwnerReference[]): Promise<void> {
    await this.#patch(node, { ownerReferences: deepCopy(owners) });
  }

  /** Lists are replaced whole: the version guards against what changed since. */
  async #patch(node: GraphNode, metadata: Record<string, unknown>): Promise<void> {
    const { resourceVersion } = node.object.metadata;
    try {
      const patch = { metadata: { uid: node.uid, resourceVersion, ...metadata } };
      await this.#context.client.resource(node.ref).patch(node.name, patch, namespaceOf(node));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function namespaceOf(node: GraphNode): { namespace?: string } {
  return node.namespace === undefined ? {} : { namespace: node.namespace };
}

/** The known object is the one that the reference means: its name, in the dependent's namespace or in none. */
function isReachable(known: GraphNode, dependent: GraphNode, owner: OwnerReference): boolean {
  if (known.name !== owner.name) return false;
  return known.namespace === undefined || known.namespace === dependent.namespace;
}
