import { conflict, notFound, serverTimeout, type KubernetesObject } from '#libs/apimachinery';
import type { Compare, KeyValue } from '#libs/consensus';
import { timestamp } from '../clock.js';
import { commitDelete, commitPut, storedForm } from './commit.js';
import type { Core } from './core.js';
import type { DeleteOptions } from './delete-options.js';
import { objectKey } from './keys.js';
import { servedObject } from './served.js';
import { pendingFinalizers } from './update.js';
import { admissionAttributes, type WriteRequest, type Written } from './write-request.js';

const attemptsMax = 64;
const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

/**
 * Deletes an object, or marks it for deletion when it has a grace period or finalizers. The same rules as Kubernetes'
 * graceful deletion: a repeated delete can only shorten the grace, 0 deletes now.
 *
 * Throws ApiError: 404, 409 when a precondition does not hold.
 */
export async function deleteObject(
  core: Core,
  write: WriteRequest,
  options: DeleteOptions,
): Promise<Written> {
  const { declaration, namespace, name } = write;
  const resource = { group: declaration.group, resource: declaration.resource };
  const key = objectKey(declaration, namespace, name);
  let fresh = false;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const keyValue = core.storage.get(key);
    const failure =
      keyValue === undefined ? notFound(resource, name) : preconditionFailure(core, write, keyValue, options);
    if (keyValue === undefined || failure !== undefined) {
      if (fresh) throw failure!;
      await core.storage.barrier();
      fresh = true;
      continue;
    }
    const current = servedObject(core.decoded, keyValue, declaration);
    const attributes = admissionAttributes(write, 'DELETE', undefined, current);
    await core.admission.admit(attributes);
    await core.admission.validate(attributes);
    const written = await attemptDelete(core, write, options, { key, keyValue, current });
    if (written !== undefined) return written;
    fresh = true;
  }
  throw serverTimeout(resource, 'delete', 1);
}

function preconditionFailure(core: Core, write: WriteRequest, keyValue: KeyValue, options: DeleteOptions) {
  const { declaration, name } = write;
  const { metadata } = core.decoded.decode(keyValue);
  const resource = { group: declaration.group, resource: declaration.resource };
  if (options.uid !== undefined && options.uid !== metadata.uid)
    return conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${metadata.uid ?? ''}`,
    );
  const actual = String(keyValue.modRevision);
  if (options.resourceVersion !== undefined && options.resourceVersion !== actual)
    return conflict(
      resource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${actual}`,
    );
  return undefined;
}

interface Attempt {
  readonly key: string;
  readonly keyValue: KeyValue;
  readonly current: KubernetesObject;
}

/** Undefined when somebody else wrote in between. */
async function attemptDelete(
  core: Core,
  write: WriteRequest,
  options: DeleteOptions,
  { key, keyValue, current }: Attempt,
): Promise<Written | undefined> {
  const { declaration } = write;
  const unchanged: Compare = { key, target: 'modRevision', operator: '=', operand: keyValue.modRevision };
  const marked = markedForDeletion(write, current, options);
  if (marked === 'now') {
    const gone = { object: current, keyValue: undefined, created: false, deleted: true };
    if (write.dryRun) return gone;
    const freed = core.admission.reserve(admissionAttributes(write, 'DELETE', undefined, current));
    const compare = [unchanged, ...(freed?.compare ?? [])];
    const revision = await commitDelete(core, write, key, compare, freed?.operations);
    if (revision === undefined) return undefined;
    return {
      ...gone,
      object: { ...current, metadata: { ...current.metadata, resourceVersion: String(revision) } },
    };
  }
  if (marked === 'already' || write.dryRun) {
    const object = marked === 'already' ? current : marked;
    return { keyValue: write.dryRun ? undefined : keyValue, object, created: false, deleted: false };
  }
  const put = await commitPut(core, write, key, storedForm(declaration, marked), [unchanged]);
  if (put === undefined) return undefined;
  marked.metadata.resourceVersion = String(put.modRevision);
  return { keyValue: put, object: marked, created: false, deleted: false };
}

/** What a delete makes of an object: gone now, unchanged because it is on its way already, or marked. */
function markedForDeletion(
  write: WriteRequest,
  current: KubernetesObject,
  options: DeleteOptions,
): KubernetesObject | 'now' | 'already' {
  const { metadata } = current;
  const finalizers = finalizersFor(metadata.finalizers ?? [], options);
  const finalizersChange = finalizers.join() !== (metadata.finalizers ?? []).join();
  const grace = graceSeconds(write, current, options);
  const next: KubernetesObject = { ...current, metadata: { ...metadata } };
  if (finalizers.length > 0) next.metadata.finalizers = [...finalizers];
  else delete next.metadata.finalizers;
  if (metadata.deletionTimestamp !== undefined) {
    const remaining = metadata.deletionGracePeriodSeconds ?? 0;
    const shorter = options.gracePeriodSeconds !== undefined && grace < remaining;
    if (!shorter && !finalizersChange)
      return remaining === 0 && pendingFinalizers(next) === 0 ? 'now' : 'already';
    if (shorter && grace === 0 && pendingFinalizers(next) === 0) return 'now';
    if (shorter) setDeletion(next, write, grace);
    return next;
  }
  if (grace === 0 && pendingFinalizers(next) === 0) return 'now';
  setDeletion(next, write, grace);
  return next;
}

function setDeletion(next: KubernetesObject, write: WriteRequest, grace: number): void {
  const { metadata } = next;
  metadata.deletionTimestamp = timestamp(write.nowMs + grace * 1000);
  metadata.deletionGracePeriodSeconds = grace;
  if (metadata.generation !== undefined && metadata.generation > 0) metadata.generation += 1;
  if (isNamespace(write)) {
    const status = (next['status'] ?? {}) as Record<string, unknown>;
    next['status'] = { ...status, phase: 'Terminating' };
  }
}

function isNamespace({ declaration }: WriteRequest): boolean {
  return declaration.group === '' && declaration.resource === 'namespaces';
}

function graceSeconds(write: WriteRequest, current: KubernetesObject, options: DeleteOptions): number {
  const { gracePeriodSeconds } = write.declaration;
  if (gracePeriodSeconds === undefined) return 0;
  if (write.declaration.resource === 'pods' && isNeverToRun(current)) return 0;
  return options.gracePeriodSeconds ?? gracePeriodSeconds(current);
}

/** No kubelet has, or will have, anything to stop: the pod is on no node or has come to its end. */
function isNeverToRun(pod: KubernetesObject): boolean {
  const spec = pod['spec'] as { nodeName?: string } | undefined;
  const status = pod['status'] as { phase?: string } | undefined;
  return (spec?.nodeName ?? '') === '' || status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** An explicit policy settles the garbage collector's two finalizers; without one they stay as they are. */
function finalizersFor(present: readonly string[], { propagationPolicy }: DeleteOptions): readonly string[] {
  if (propagationPolicy === undefined) return present;
  const others = present.filter((each) => each !== orphanFinalizer && each !== foregroundFinalizer);
  if (propagationPolicy === 'Orphan') return [...others, orphanFinalizer];
  if (propagationPolicy === 'Foreground') return [...others, foregroundFinalizer];
  return others;
}
