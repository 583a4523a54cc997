import type { KubernetesObject } from '#libs/apimachinery';
import { deepCopy, isNotFound, type ResourceClient } from '#libs/client';
import { controllerOf, controllerReference } from './owner.js';
import { isTerminating } from './pod-state.js';

export interface Claim<T extends KubernetesObject> {
  readonly owner: KubernetesObject;
  /** The owner as the server has it now: adoption must not be done for an owner that was deleted meanwhile. */
  readonly freshOwner: () => Promise<KubernetesObject>;
  readonly client: ResourceClient<T>;
  readonly matches: (object: T) => boolean;
}

/**
 * What belongs to the owner among `owned` (that refer to it) and `orphans` (that no controller owns): releases what no
 * longer matches, adopts orphans that do. Returns the owner's objects, as cached.
 */
export async function claimObjects<T extends KubernetesObject>(
  claim: Claim<T>,
  owned: readonly T[],
  orphans: readonly T[],
): Promise<T[]> {
  const { owner, matches } = claim;
  const kept: T[] = [];
  for (const object of owned) {
    if (matches(object)) kept.push(object);
    else if (!isTerminating(owner)) await release(claim, object);
  }
  if (isTerminating(owner)) return kept;
  let checked = false;
  for (const orphan of orphans) {
    if (isTerminating(orphan) || !matches(orphan)) continue;
    if (!checked) {
      const fresh = await claim.freshOwner();
      if (fresh.metadata.uid !== owner.metadata.uid || isTerminating(fresh)) return kept;
      checked = true;
    }
    if (await adopt(claim, orphan)) kept.push(orphan);
  }
  return kept;
}

async function adopt<T extends KubernetesObject>(claim: Claim<T>, object: T): Promise<boolean> {
  return patchOwners(claim, object, [
    ...deepCopy(object.metadata.ownerReferences ?? []),
    controllerReference(claim.owner),
  ]);
}

async function release<T extends KubernetesObject>(claim: Claim<T>, object: T): Promise<void> {
  if (controllerOf(object)?.uid !== claim.owner.metadata.uid) return;
  const others = (object.metadata.ownerReferences ?? []).filter(
    (each) => each.uid !== claim.owner.metadata.uid,
  );
  await patchOwners(claim, object, deepCopy(others));
}

/** False where the object is gone. The uid guards against another object of the same name. */
async function patchOwners<T extends KubernetesObject>(
  claim: Claim<T>,
  object: T,
  ownerReferences: unknown[],
): Promise<boolean> {
  const { name = '', namespace, uid, resourceVersion } = object.metadata;
  try {
    await claim.client.patch(
      name,
      { metadata: { uid, resourceVersion, ownerReferences } },
      namespace === undefined ? {} : { namespace },
    );
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
