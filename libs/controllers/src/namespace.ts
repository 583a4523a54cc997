import { isStoreUnavailable, type KubernetesObject } from '#libs/apimachinery';
import {
  deepCopy,
  isNotFound,
  keyOf,
  resourcePath,
  resources,
  type Condition,
  type Namespace,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from './context.js';
import { withCondition } from './core/conditions.js';
import { canDo, discoverResources, type DiscoveredResource } from './core/discovery.js';
import { isTerminating } from './core/pod-state.js';
import { inParallel } from './core/slow-start.js';
import { writeStatus } from './core/status.js';

const finalizer = 'kubernetes';

/** What a round of deletion left behind. */
interface Remains {
  /** `pods` → how many, as `resource.group`. */
  readonly resources: Map<string, number>;
  /** Finalizer → on how many objects. */
  readonly finalizers: Map<string, number>;
  readonly failures: string[];
}

/**
 * Empties a namespace that is being deleted: pods first (what they use must outlive them), then everything else that
 * discovery shows, custom resources included; then takes the `kubernetes` finalizer off. What holds it up is written
 * to the namespace's conditions.
 */
export function createNamespaceController(context: ControllerContext): Controller {
  const queue = queueFor(context, 'namespace');
  const namespaces = context.informers.informer(resources.namespaces);
  const enqueue = (namespace: Namespace): void => {
    if (isTerminating(namespace)) queue.add(keyOf(namespace));
  };
  namespaces.addHandler({ add: enqueue, update: enqueue });
  const client = context.client.resource(resources.namespaces);

  async function reconcile(
    key: string,
    signal: AbortSignal,
  ): Promise<{ requeueAfterMs?: number } | undefined> {
    const namespace = namespaces.lister.getByKey(key);
    if (namespace === undefined || !isTerminating(namespace)) return undefined;
    if (namespace.spec?.finalizers?.includes(finalizer) !== true) return undefined;
    const name = namespace.metadata.name ?? '';
    let found: DiscoveredResource[];
    try {
      found = (await discoverResources(context.client, signal)).filter(
        (each) => each.namespaced && canDo(each, 'list', 'delete'),
      );
    } catch (error) {
      await report(namespace, undefined, error);
      throw error;
    }
    const remains: Remains = { resources: new Map(), finalizers: new Map(), failures: [] };
    const isPod = (each: DiscoveredResource): boolean =>
      each.ref.group === '' && each.ref.resource === 'pods';
    await inParallel(found.filter(isPod), 1, (resource) => empty(name, resource, remains, signal));
    // Pods first: what they use must outlive them.
    const podsGone = remains.resources.size === 0 && remains.failures.length === 0;
    if (podsGone)
      await inParallel(
        found.filter((each) => !isPod(each)),
        8,
        (resource) => empty(name, resource, remains, signal),
      );
    if (remains.resources.size === 0 && remains.failures.length === 0) {
      await finalize(namespace);
      return undefined;
    }
    await report(namespace, remains, undefined);
    if (remains.failures.length > 0) throw new Error(`namespace ${name}: ${remains.failures.join('; ')}`);
    return { requeueAfterMs: podsGone ? 100 : 500 };
  }

  /** Deletes all of a resource in the namespace and counts what is still there. */
  async function empty(
    name: string,
    resource: DiscoveredResource,
    remains: Remains,
    signal: AbortSignal,
  ): Promise<void> {
    const objects = context.client.resource(resource.ref);
    const label =
      resource.ref.group === '' ? resource.ref.resource : `${resource.ref.resource}.${resource.ref.group}`;
    try {
      const present = (await objects.list({ namespace: name, signal })).items;
      if (present.length === 0) return;
      if (canDo(resource, 'deletecollection') && present.some((each) => !isTerminating(each))) {
        await objects.deleteCollection({ namespace: name, propagationPolicy: 'Background', signal });
      } else {
        await inParallel(
          present.filter((each) => !isTerminating(each)),
          16,
          async (each) => {
            await objects
              .delete(each.metadata.name ?? '', { namespace: name, propagationPolicy: 'Background', signal })
              .catch(ignoreNotFound);
          },
        );
      }
      const left = (await objects.list({ namespace: name, signal })).items;
      if (left.length === 0) return;
      remains.resources.set(label, left.length);
      for (const object of left) countFinalizers(object, remains);
    } catch (error) {
      if (isNotFound(error)) return; // the resource itself was removed meanwhile
      if (signal.aborted) throw error;
      // Events have a store of their own, which is away: they expire there, and hold up nothing.
      if (isStoreUnavailable(error)) return;
      remains.failures.push(`${label}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async function finalize(namespace: Namespace): Promise<void> {
    const body = deepCopy(namespace);
    body.spec = {
      ...body.spec,
      finalizers: (body.spec?.finalizers ?? []).filter((each) => each !== finalizer),
    };
    const path = resourcePath(resources.namespaces, undefined, namespace.metadata.name, 'finalize');
    try {
      await context.client.raw({ method: 'PUT', path, body });
    } catch (error) {
      ignoreNotFound(error);
    }
  }

  async function report(
    namespace: Namespace,
    remains: Remains | undefined,
    discoveryError: unknown,
  ): Promise<void> {
    let conditions = namespace.status?.conditions;
    for (const condition of conditionsOf(remains, discoveryError)) {
      conditions = withCondition(conditions, condition, context.clock.now());
    }
    await writeStatus(client, namespace, {
      ...namespace.status,
      phase: 'Terminating',
      ...(conditions === undefined ? {} : { conditions }),
    });
  }

  return makeController(context, { name: 'namespace', workers: 5, queue, needs: [namespaces], reconcile });
}

function countFinalizers(object: KubernetesObject, remains: Remains): void {
  for (const each of object.metadata.finalizers ?? []) {
    remains.finalizers.set(each, (remains.finalizers.get(each) ?? 0) + 1);
  }
}

function ignoreNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

/** The five conditions of a terminating namespace, with Kubernetes' reasons and messages. */
function conditionsOf(
  remains: Remains | undefined,
  discoveryError: unknown,
): Omit<Condition, 'lastTransitionTime'>[] {
  const of = (
    type: string,
    bad: boolean,
    reason: string,
    message: string,
    good: [string, string],
  ): Omit<Condition, 'lastTransitionTime'> => ({
    type,
    status: bad ? 'True' : 'False',
    reason: bad ? reason : good[0],
    message: bad ? message : good[1],
  });
  const list = (counts: ReadonlyMap<string, number>, text: (name: string, count: number) => string): string =>
    [...counts]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, count]) => text(name, count))
      .join(', ');
  const conditions = [
    of(
      'NamespaceDeletionDiscoveryFailure',
      discoveryError !== undefined,
      'DiscoveryFailed',
      `Discovery failed for some groups: ${String(discoveryError)}`,
      ['ResourcesDiscovered', 'All resources successfully discovered'],
    ),
    of('NamespaceDeletionGroupVersionParsingFailure', false, '', '', [
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ]),
  ];
  if (remains === undefined) return conditions;
  const contents = list(remains.resources, (name, count) => `${name} has ${count} resource instances`);
  const finalizers = list(remains.finalizers, (name, count) => `${name} in ${count} resource instances`);
  conditions.push(
    of(
      'NamespaceDeletionContentFailure',
      remains.failures.length > 0,
      'ContentDeletionFailed',
      `Failed to delete all resource types, ${remains.failures.length} remaining: ${remains.failures.join(', ')}`,
      ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ),
    of(
      'NamespaceContentRemaining',
      remains.resources.size > 0,
      'SomeResourcesRemain',
      `Some resources are remaining: ${contents}`,
      ['ContentRemoved', 'All content successfully removed'],
    ),
    of(
      'NamespaceFinalizersRemaining',
      remains.finalizers.size > 0,
      'SomeFinalizersRemain',
      `Some content in the namespace has finalizers remaining: ${finalizers}`,
      ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    ),
  );
  return conditions;
}
