import { ApiError } from '../errors/api-error.js';
import { equalJson } from '../patch/json-value.js';
import type { Schema } from '../structure/schema.js';
import type { JsonObject, KubernetesObject, ManagedFieldsEntry } from '../types.js';
import { compareObjects } from './compare.js';
import { conflictError, type Conflict } from './conflicts.js';
import { appliedFields, createdFields } from './extract.js';
import {
  difference,
  emptySet,
  intersection,
  isEmpty,
  recursiveDifference,
  union,
  withNamedFields,
  type FieldSet,
} from './field-set.js';
import { fieldsOfClientSideApply, kubectlManager, syncLastApplied } from './last-applied.js';
import {
  decodeManagers,
  encodeManagers,
  equalManagers,
  managerIdentity,
  unownedFields,
  withoutEmpty,
  type Manager,
  type Managers,
} from './managed-fields.js';
import { mergeApplied, removeFields } from './merge.js';
import { takeFrom } from './track-update.js';

export interface ApplyRequest {
  /** The stored object; undefined where apply creates. */
  readonly live: KubernetesObject | undefined;
  /** The configuration: scalars in canonical form (quantities!), not defaulted. */
  readonly applied: KubernetesObject;
  readonly manager: string;
  readonly force: boolean;
  readonly schema: Schema | undefined;
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** RFC 3339 with seconds, UTC. */
  readonly now: string;
}

export interface ApplyResult {
  /** The merged object with its managedFields: not yet defaulted, admitted or validated. Shares nothing with the request. */
  readonly object: KubernetesObject;
  /** False where the object and its owners are as they were: nothing needs to be written. */
  readonly changed: boolean;
}

/**
 * Server-side apply: lays the configuration over the live object, removes what this manager applied before and no one owns
 * any more, and records who owns what. Throws ApiError: 409 with a cause for each field where another manager owns what
 * would change and `force` is not set; 400 where the configuration cannot be typed.
 * Source: KEP-555, sigs.k8s.io/structured-merge-diff.
 */
export function applyPatch(request: ApplyRequest): ApplyResult {
  const { live, applied, manager, schema } = request;
  checkApplied(request);
  const config = applied as unknown as JsonObject;
  const fields = recursiveDifference(appliedFields(config, schema), unownedFields(request.subresource));
  const before = decodeManagers(live?.metadata.managedFields) ?? new Map<string, Manager>();
  const managers = new Map(before.size === 0 ? beforeFirstApply(request) : before);
  const self: Manager = { ...pick(request), operation: 'Apply', time: request.now, set: fields };
  const identity = managerIdentity(self);
  const last = managers.get(identity);
  managers.set(identity, self);

  const base = withoutManagedFields(live);
  const merged = mergeApplied(base, config, schema);
  const object = last === undefined || isEmpty(last.set) ? merged : prune(merged, last.set, managers, schema);
  const { changed, removed } = compareObjects(base, object, schema);
  resolveConflicts(request, managers, identity, changed);
  takeFrom(managers, changed, removed, identity);
  withoutEmpty(managers);

  const result = object as unknown as KubernetesObject;
  if (manager === kubectlManager) syncLastApplied(result, applied);
  const same = live !== undefined && equalManagers(before, managers) && equalJson(base, object);
  result.metadata.managedFields = same ? copyEntries(live.metadata.managedFields) : encodeManagers(managers);
  return { object: result, changed: !same };
}

function checkApplied({ applied, apiVersion }: ApplyRequest): void {
  const metadata = applied.metadata as KubernetesObject['metadata'] | undefined;
  if (metadata?.managedFields !== undefined && metadata.managedFields !== null) {
    throw new ApiError(400, 'BadRequest', 'metadata.managedFields must be nil');
  }
  if (applied.apiVersion !== apiVersion) {
    throw new ApiError(
      400,
      'BadRequest',
      `incorrect version specified in apply patch. Specified patch version: ${applied.apiVersion}, expected: ${apiVersion}`,
    );
  }
}

function pick({ manager, apiVersion, subresource }: ApplyRequest) {
  return { manager, apiVersion, subresource };
}

function withoutManagedFields(live: KubernetesObject | undefined): JsonObject {
  if (live === undefined) return {};
  const { managedFields: _, ...metadata } = live.metadata;
  return { ...live, metadata } as unknown as JsonObject;
}

/** An object that no one has managed yet was someone's: its fields are not free for the taking. */
function beforeFirstApply({ live, schema, apiVersion, now }: ApplyRequest): Managers {
  if (live === undefined) return new Map();
  const created = createdFields(withoutManagedFields(live), schema);
  const manager: Manager = {
    manager: 'before-first-apply',
    operation: 'Update',
    apiVersion,
    subresource: '',
    time: now,
    set: recursiveDifference(created, unownedFields('')),
  };
  return new Map([[managerIdentity(manager), manager]]);
}

/** Removes what the manager applied last time and neither it nor anyone else owns now. */
function prune(
  merged: JsonObject,
  last: FieldSet,
  managers: Managers,
  schema: Schema | undefined,
): JsonObject {
  let owned = emptySet;
  for (const { set } of managers.values()) owned = union(owned, set);
  const gone = difference(withNamedFields(last), withNamedFields(owned));
  return isEmpty(gone) ? merged : removeFields(merged, gone, schema);
}

function resolveConflicts(
  request: ApplyRequest,
  managers: Managers,
  identity: string,
  changed: FieldSet,
): void {
  if (request.force) return;
  const conflicts: Conflict[] = [];
  for (const [other, manager] of managers) {
    if (other === identity) continue;
    const fields = intersection(manager.set, changed);
    if (!isEmpty(fields)) conflicts.push({ manager, fields });
  }
  if (conflicts.length === 0) return;
  const allowed =
    request.manager === kubectlManager && request.live !== undefined
      ? fieldsOfClientSideApply(request.live, request.schema)
      : emptySet;
  const serious = conflicts
    .map((conflict) => ({ ...conflict, fields: difference(conflict.fields, allowed) }))
    .filter(({ fields }) => !isEmpty(fields));
  if (serious.length > 0) throw conflictError(serious);
}

function copyEntries(entries: readonly ManagedFieldsEntry[] | undefined): ManagedFieldsEntry[] {
  return (entries ?? []).map((entry) => ({ ...entry }));
}
