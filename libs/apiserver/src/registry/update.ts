import {
  ApiError,
  badRequest,
  conflict,
  equalJson,
  fieldErrors,
  invalid,
  notFound,
  type FieldError,
  type Json,
  type KubernetesObject,
} from '#libs/apimachinery';
import type { Compare, KeyValue } from '#libs/consensus';
import { commitDelete, commitPut, storedForm } from './commit.js';
import type { Core } from './core.js';
import { objectKey } from './keys.js';
import { trackUpdate } from './managed-fields.js';
import { objectRevision } from './resource-version.js';
import { servedObject } from './served.js';
import { equalButForStamp, type StoredForm } from './stamp.js';
import { allowsUnconditionalUpdate } from './update-policy.js';
import { admissionAttributes, type WriteRequest, type Written } from './write-request.js';

const attemptsMax = 64;

export interface UpdateOptions {
  /**
   * Computes the new object from the current one (shared: read only), in the version of the declaration. Its result is
   * given away. Called again from fresh state after a conflict, unless the result names a resourceVersion.
   */
  readonly next: (current: KubernetesObject) => KubernetesObject | Promise<KubernetesObject>;
  /** Called instead of answering 404 where there is no object. */
  readonly orCreate?: (() => Promise<Written>) | undefined;
  /** `next` has settled managedFields itself (an apply). */
  readonly managesFields?: boolean;
  /** A missing resourceVersion is fine whatever the kind: patches and the server's own updates. */
  readonly unconditional?: boolean;
  /** Skips admission and the kind's strategy: the server's own steps, such as a binding. */
  readonly internal?: boolean;
}

/**
 * Kubernetes' guaranteed update: reads, computes, validates, and writes if nobody was faster, else again. An update
 * that changes nothing writes nothing. An object that waits for deletion goes with its last finalizer.
 *
 * Throws ApiError: 404, 409 conflict with the resourceVersion or uid that was named, 422 invalid.
 */
export async function updateObject(
  core: Core,
  write: WriteRequest,
  options: UpdateOptions,
): Promise<Written> {
  const { declaration, namespace, name } = write;
  const key = objectKey(declaration, namespace, name);
  const resource = { group: declaration.group, resource: declaration.resource };
  let fresh = false;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const keyValue = core.storage.get(key);
    if (keyValue === undefined) {
      if (fresh) {
        if (options.orCreate !== undefined) return options.orCreate();
        throw notFound(resource, name);
      }
      // This replica may lag behind the one that acknowledged the object.
      await core.storage.barrier();
      fresh = true;
      continue;
    }
    const current = servedObject(core.decoded, keyValue, declaration);
    let next: KubernetesObject;
    try {
      next = await options.next(current);
    } catch (error) {
      // What was refused may have been refused on stale state.
      if (fresh || !isConflict(error)) throw error;
      await core.storage.barrier();
      fresh = true;
      if (core.storage.get(key) === keyValue) throw error;
      continue;
    }
    const named = namedRevision(write, next, options);
    if (named !== undefined && named !== keyValue.modRevision) {
      if (fresh || named < keyValue.modRevision) throw conflict(resource, name);
      await core.storage.barrier();
      fresh = true;
      continue;
    }
    checkUid(write, next, current);
    const written = await prepareAndStore(core, write, options, { key, keyValue, current, next });
    if (written !== undefined) return written;
    fresh = true;
    // Without a precondition of its own the next attempt computes from the newer state.
    if (named !== undefined && options.unconditional !== true) throw conflict(resource, name);
  }
  throw conflict(resource, name);
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 409 || error.code === 422);
}

function namedRevision(
  { declaration, name }: WriteRequest,
  next: KubernetesObject,
  options: UpdateOptions,
): number | undefined {
  const kind = { group: declaration.group, kind: declaration.kind };
  const named = objectRevision(next.metadata.resourceVersion, kind, name);
  if (named === undefined && options.unconditional !== true && !allowsUnconditionalUpdate(declaration))
    throw invalid(kind, name, [
      fieldErrors.invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  return named;
}

function checkUid(
  { declaration, name }: WriteRequest,
  next: KubernetesObject,
  current: KubernetesObject,
): void {
  const { uid } = next.metadata;
  if (uid === undefined || uid === '' || uid === current.metadata.uid) return;
  throw conflict(
    { group: declaration.group, resource: declaration.resource },
    name,
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid ?? ''}`,
  );
}

interface Attempt {
  readonly key: string;
  readonly keyValue: KeyValue;
  readonly current: KubernetesObject;
  readonly next: KubernetesObject;
}

/** Undefined when somebody else wrote in between. */
async function prepareAndStore(
  core: Core,
  write: WriteRequest,
  options: UpdateOptions,
  { key, keyValue, current, next }: Attempt,
): Promise<Written | undefined> {
  const { declaration, subresource } = write;
  keepSystemMetadata(write, next, current);
  const attributes = admissionAttributes(write, 'UPDATE', next, current);
  if (options.internal !== true) {
    await core.admission.admit(attributes);
    declaration.prepareForUpdate(next, current, { now: write.now, subresource });
  }
  if (options.managesFields !== true) trackUpdate(write, current, next);
  if (options.internal !== true) {
    const errors = [
      ...newFinalizerErrors(next, current),
      ...declaration.validateUpdate(next, current, subresource),
    ];
    if (errors.length > 0)
      throw invalid({ group: declaration.group, kind: declaration.kind }, write.name, errors);
    await core.admission.validate(attributes);
  }
  const unchanged: Compare = { key, target: 'modRevision', operator: '=', operand: keyValue.modRevision };
  const vanishes = goesWithLastFinalizer(next, current);
  if (write.dryRun) {
    next.metadata.resourceVersion = String(keyValue.modRevision);
    return { keyValue: undefined, object: next, created: false, deleted: vanishes };
  }
  const compare = [unchanged];
  if (vanishes) {
    const deleting = admissionAttributes({ ...write, subresource: '' }, 'DELETE', undefined, current);
    const freed = core.admission.reserve(deleting);
    const revision = await commitDelete(
      core,
      write,
      key,
      [...compare, ...(freed?.compare ?? [])],
      freed?.operations,
    );
    if (revision === undefined) return undefined;
    next.metadata.resourceVersion = String(revision);
    return { keyValue: undefined, object: next, created: false, deleted: true };
  }
  const reservation = options.internal === true ? undefined : core.admission.reserve(attributes);
  const stored = storedForm(declaration, next);
  if (reservation === undefined && isUnchanged(core, keyValue, stored))
    return { keyValue, object: current, created: false, deleted: false };
  const put = await commitPut(
    core,
    write,
    key,
    stored,
    [...compare, ...(reservation?.compare ?? [])],
    reservation?.operations,
  );
  if (put === undefined) {
    reservation?.undo();
    return undefined;
  }
  next.metadata.resourceVersion = String(put.modRevision);
  return { keyValue: put, object: next, created: false, deleted: false };
}

/** Nothing but the revision differs; members may stand in another order. */
function isUnchanged(core: Core, keyValue: KeyValue, stored: StoredForm): boolean {
  if (keyValue.value.length !== stored.bytes.length) return false;
  if (equalButForStamp(keyValue.value, stored.bytes, stored.stampOffset)) return true;
  const { resourceVersion } = core.decoded.decode(keyValue).metadata;
  const candidate = { ...stored.object, metadata: { ...stored.object.metadata, resourceVersion } };
  return equalJson(core.decoded.decode(keyValue) as unknown as Json, candidate as unknown as Json);
}

/** What no update may change: identity, birth and pending death. */
function keepSystemMetadata(write: WriteRequest, next: KubernetesObject, current: KubernetesObject): void {
  const { declaration, namespace, name } = write;
  const to = next.metadata;
  const from = current.metadata;
  if (declaration.namespaced) {
    if ((to.namespace ?? '') === '') to.namespace = namespace;
    else if (to.namespace !== namespace)
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
  }
  if ((to.name ?? '') === '') to.name = name;
  else if (to.name !== name)
    throw badRequest(`the name of the object (${to.name}) does not match the name on the URL (${name})`);
  to.uid = from.uid ?? '';
  keep('creationTimestamp');
  keep('deletionTimestamp');
  keep('deletionGracePeriodSeconds');
  keep('generateName');
  delete to.resourceVersion;

  function keep<
    K extends 'creationTimestamp' | 'deletionTimestamp' | 'deletionGracePeriodSeconds' | 'generateName',
  >(field: K): void {
    if (from[field] === undefined) delete to[field];
    else to[field] = from[field];
  }
}

function newFinalizerErrors(next: KubernetesObject, current: KubernetesObject): readonly FieldError[] {
  if (current.metadata.deletionTimestamp === undefined) return [];
  const before = new Set(current.metadata.finalizers);
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return [];
  return [
    fieldErrors.forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
    ),
  ];
}

/** True where an object that waits for deletion has lost what it waited for. */
function goesWithLastFinalizer(next: KubernetesObject, current: KubernetesObject): boolean {
  if (next.metadata.deletionTimestamp === undefined) return false;
  if ((next.metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  if (pendingFinalizers(next) > 0) return false;
  return pendingFinalizers(current) > 0;
}

/** Finalizers that hold an object, a namespace's own in its spec among them. */
export function pendingFinalizers(object: KubernetesObject): number {
  const own = object.metadata.finalizers?.length ?? 0;
  if (object.kind !== 'Namespace' || object.apiVersion !== 'v1') return own;
  const spec = object['spec'] as { finalizers?: readonly string[] } | undefined;
  return own + (spec?.finalizers?.length ?? 0);
}
