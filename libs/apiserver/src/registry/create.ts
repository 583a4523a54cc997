import {
  alreadyExists,
  badRequest,
  generateNameConflict,
  invalid,
  fieldErrors,
  serverTimeout,
  type KubernetesObject,
} from '#libs/apimachinery';
import type { Compare, Operation } from '#libs/consensus';
import type { AdmissionAttributes } from '../admission/plugin.js';
import type { Core } from './core.js';
import { objectKey } from './keys.js';
import { trackCreate } from './managed-fields.js';
import { commitPut, storedForm } from './commit.js';
import { admissionAttributes, type WriteRequest, type Written } from './write-request.js';

const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';
const generatedSuffixLength = 5;
const generatedBaseMax = 63 - generatedSuffixLength;
const generateAttemptsMax = 8;
const reserveAttemptsMax = 16;

/**
 * Stores a new object. `object` is decoded and defaulted, in the version of the declaration, and becomes the store's:
 * the caller may not touch it afterwards. `track` false leaves managedFields as they are (an apply has made them).
 *
 * Throws ApiError: 400 metadata that contradicts the path, 403 admission, 409 the name is taken, 422 invalid.
 */
export async function createObject(
  core: Core,
  write: WriteRequest,
  object: KubernetesObject,
  track = true,
): Promise<Written> {
  const { declaration } = write;
  fillMetadata(core, write, object);
  const generates = (object.metadata.name ?? '') === '' && (object.metadata.generateName ?? '') !== '';
  for (let attempt = 1; ; attempt++) {
    if (generates) object.metadata.name = generatedName(core, object.metadata.generateName ?? '');
    if (attempt === 1) await admitAndValidate(core, write, object, track);
    const written = await store(core, write, object);
    if (written !== undefined) return written;
    const name = object.metadata.name ?? '';
    const resource = { group: declaration.group, resource: declaration.resource };
    if (!generates) throw alreadyExists(resource, name);
    if (attempt >= generateAttemptsMax) throw generateNameConflict(resource, name);
  }
}

/** Checks metadata against the path and sets what the server alone decides. */
function fillMetadata(core: Core, write: WriteRequest, object: KubernetesObject): void {
  const { declaration, namespace } = write;
  const { metadata } = object;
  if (declaration.namespaced) {
    if ((metadata.namespace ?? '') === '') metadata.namespace = namespace;
    else if (metadata.namespace !== namespace)
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
  } else if ((metadata.namespace ?? '') !== '') {
    throw badRequest('namespace must not be set for cluster-scoped resources');
  }
  if (write.name !== '' && metadata.name !== undefined && metadata.name !== write.name)
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${write.name})`,
    );
  if (
    metadata.resourceVersion !== undefined &&
    metadata.resourceVersion !== '' &&
    metadata.resourceVersion !== '0'
  )
    throw badRequest('resourceVersion should not be set on objects to be created');
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  metadata.uid = core.uid();
  metadata.creationTimestamp = write.now;
}

async function admitAndValidate(
  core: Core,
  write: WriteRequest,
  object: KubernetesObject,
  track: boolean,
): Promise<void> {
  const { declaration } = write;
  const attributes = admissionAttributes(write, 'CREATE', object, undefined);
  await core.admission.admit(attributes);
  declaration.prepareForCreate(object, { now: write.now, subresource: '' });
  if (track) trackCreate(write, object);
  const kind = { group: declaration.group, kind: declaration.kind };
  if ((object.metadata.name ?? '') === '' && (object.metadata.generateName ?? '') === '')
    throw invalid(kind, '', [fieldErrors.required('metadata.name', 'name or generateName is required')]);
  const errors = declaration.validate(object);
  if (errors.length > 0) throw invalid(kind, object.metadata.name ?? '', errors);
  await core.admission.validate(attributes);
}

/** Undefined when the name is taken. */
async function store(
  core: Core,
  write: WriteRequest,
  object: KubernetesObject,
): Promise<Written | undefined> {
  const { declaration, namespace } = write;
  const key = objectKey(declaration, namespace, object.metadata.name ?? '');
  if (write.dryRun) {
    if (core.storage.get(key) !== undefined) return undefined;
    return { keyValue: undefined, object, created: true, deleted: false };
  }
  const free: Compare = { key, target: 'modRevision', operator: '=', operand: 0 };
  const attributes = admissionAttributes(write, 'CREATE', object, undefined);
  for (let attempt = 0; attempt < reserveAttemptsMax; attempt++) {
    const reservation = core.admission.reserve(attributes);
    const compare: Compare[] = [free, ...(reservation?.compare ?? [])];
    const extra: readonly Operation[] = reservation?.operations ?? [];
    const stored = storedForm(declaration, object);
    const keyValue = await commitPut(core, write, key, stored, compare, extra);
    if (keyValue !== undefined) {
      return { keyValue, object: serve(object, keyValue.modRevision), created: true, deleted: false };
    }
    if (core.storage.get(key) !== undefined) return undefined;
    reservation?.undo();
    // What made the reservation fail may refuse the object altogether: the namespace may have gone.
    await recheck(core, attributes);
  }
  throw serverTimeout({ group: declaration.group, resource: declaration.resource }, 'create', 1);
}

async function recheck(core: Core, attributes: AdmissionAttributes): Promise<void> {
  for (const plugin of core.admission.plugins) {
    if (plugin.reserve !== undefined && plugin.handles(attributes))
      await plugin.admit?.(attributes, core.admission.reader);
  }
}

/** The object as it now is: the caller's own, which has become shared. */
function serve(object: KubernetesObject, revision: number): KubernetesObject {
  object.metadata.resourceVersion = String(revision);
  return object;
}

function generatedName(core: Core, base: string): string {
  let suffix = '';
  for (let at = 0; at < generatedSuffixLength; at++)
    suffix += nameLetters[Math.floor(core.random() * nameLetters.length)] ?? '';
  return base.slice(0, generatedBaseMax) + suffix;
}
