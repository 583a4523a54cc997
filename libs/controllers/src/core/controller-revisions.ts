import { semanticEqual, type KubernetesObject } from '#libs/apimachinery';
import {
  deepCopy,
  isAlreadyExists,
  isNotFound,
  type ControllerRevision,
  type Informer,
  type LabelSelector,
  type PodTemplateSpec,
  type ResourceClient,
} from '#libs/client';
import { claimObjects } from './claim.js';
import { byController, orphansByNamespace } from './indexes.js';
import { controllerReference } from './owner.js';
import { selectorOf } from './selectors.js';
import { inNamespaceOf } from './status.js';
import { templateHash } from './template-hash.js';

type Revisioned = KubernetesObject & { spec: { template: PodTemplateSpec; selector: LabelSelector } };

/** The label of a revision's hash: kubectl and the controllers find revisions by the owner's selector. */
export const revisionHashLabel = 'controller-revision-hash';

export interface RevisionStore {
  readonly client: ResourceClient<ControllerRevision>;
  readonly informer: Informer<ControllerRevision>;
  readonly freshOwner: () => Promise<KubernetesObject>;
}

/** The owner's revisions, oldest first; orphans with its labels are adopted. */
export async function revisionsOf(store: RevisionStore, owner: Revisioned): Promise<ControllerRevision[]> {
  const { uid = '', namespace = '' } = owner.metadata;
  const selector = selectorOf(owner.spec.selector);
  const { informer } = store;
  const claimed = await claimObjects(
    {
      owner,
      freshOwner: store.freshOwner,
      client: store.client,
      matches: (revision) => selector.matches(revision.metadata.labels),
    },
    informer.lister.byIndex(byController, uid),
    informer.lister.byIndex(orphansByNamespace, namespace),
  );
  return claimed.toSorted((left, right) => left.revision - right.revision);
}

/** What a revision holds: a strategic merge patch that puts the template back, as `kubectl rollout undo` applies it. */
export function revisionData(owner: Revisioned): unknown {
  return { spec: { template: { ...deepCopy(owner.spec.template), $patch: 'replace' } } };
}

export type RevisionResult =
  | { readonly kind: 'revision'; readonly revision: ControllerRevision }
  /** The name belongs to another template: count the collision in the status and come back. */
  | { readonly kind: 'collision' };

/**
 * The revision of the owner's present template. An older one with the same template becomes the newest again (a
 * rollback); a missing one is made.
 */
export async function currentRevision(
  store: RevisionStore,
  owner: Revisioned,
  known: readonly ControllerRevision[],
  collisionCount: number | undefined,
): Promise<RevisionResult> {
  const data = revisionData(owner);
  const newest = known.at(-1);
  const next = (newest?.revision ?? 0) + 1;
  const equal = known.findLast((revision) => semanticEqual(revision.data, data));
  if (equal !== undefined) {
    if (equal === newest) return { kind: 'revision', revision: equal };
    const renewed = await store.client.update({ ...deepCopy(equal), revision: next });
    return { kind: 'revision', revision: renewed };
  }
  const hash = templateHash(owner.spec.template, collisionCount);
  const revision = newRevision(owner, data, hash, next);
  const { name = '' } = revision.metadata;
  try {
    return { kind: 'revision', revision: await store.client.create(revision) };
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const existing = await store.client.get(name, inNamespaceOf(owner));
    if (semanticEqual(existing.data, data)) return { kind: 'revision', revision: existing };
    return { kind: 'collision' };
  }
}

function newRevision(owner: Revisioned, data: unknown, hash: string, revision: number): ControllerRevision {
  const { name = '', namespace = '', annotations } = owner.metadata;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...owner.spec.template.metadata?.labels, [revisionHashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ownerReferences: [controllerReference(owner)],
    },
    data,
    revision,
  };
}

/** Deletes the oldest revisions that nothing uses, beyond `limit`. */
export async function truncateRevisions(
  store: RevisionStore,
  known: readonly ControllerRevision[],
  inUse: (revision: ControllerRevision) => boolean,
  limit: number,
): Promise<void> {
  const unused = known.filter((revision) => !inUse(revision));
  for (const revision of unused.slice(0, Math.max(0, unused.length - limit))) {
    try {
      await store.client.delete(revision.metadata.name ?? '', inNamespaceOf(revision));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined;
  const template = data?.spec?.template;
  if (template === undefined) return undefined;
  const { $patch: _patch, ...rest } = template;
  return rest;
}
