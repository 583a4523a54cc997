import { ApiError } from '../errors/api-error.js';
import type { Schema } from '../structure/schema.js';
import type { JsonObject, KubernetesObject, ManagedFieldsEntry } from '../types.js';
import { compareObjects } from './compare.js';
import { createdSet } from './created-sets.js';
import { createdFields } from './extract.js';
import { difference, intersection, isEmpty, recursiveDifference, union, type FieldSet } from './field-set.js';
import {
  encodeManagers,
  managerIdentity,
  startingManagers,
  unownedFields,
  withoutEmpty,
  type Manager,
} from './managed-fields.js';

export interface TrackUpdate {
  /** The stored object; undefined on create. */
  readonly before: KubernetesObject | undefined;
  /** The object about to be stored, defaulted and admitted, with the managedFields that the request brought. */
  readonly after: KubernetesObject;
  readonly schema: Schema | undefined;
  /** The request's fieldManager, or the first part of its user agent. */
  readonly manager: string;
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** RFC 3339 with seconds, UTC. */
  readonly now: string;
}

/**
 * The managedFields of an object after an ordinary write: what it changed belongs to its manager now, and to nobody else.
 * Neither object is changed; the entries are the caller's to put into `metadata.managedFields`. A create without
 * managedFields walks the object once. An object whose lists lack their keys cannot be tracked: it loses its entries rather
 * than the write (FieldManager.UpdateNoErrors).
 */
export function trackUpdate(request: TrackUpdate): ManagedFieldsEntry[] {
  try {
    return track(request);
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

function track(request: TrackUpdate): ManagedFieldsEntry[] {
  const { before, after, schema, subresource, now } = request;
  const self = { ...request, operation: 'Update' as const };
  if (before === undefined && (after.metadata.managedFields ?? []).length === 0) {
    const set = createdSet(after as unknown as JsonObject, schema, subresource);
    return isEmpty(set)
      ? []
      : encodeManagers(new Map([[manager(self).identity, { ...manager(self).value, time: now, set }]]));
  }
  const requested = after.metadata.managedFields;
  const managers = new Map(startingManagers(before?.metadata.managedFields, requested, subresource));
  const compared =
    before === undefined
      ? { changed: createdFields(after as unknown as JsonObject, schema), removed: {} }
      : compareObjects(before as unknown as JsonObject, after as unknown as JsonObject, schema);
  const changed = recursiveDifference(compared.changed, unownedFields(subresource));
  takeFrom(managers, changed, compared.removed, undefined);
  if (!isEmpty(changed)) {
    const { identity, value } = manager(self);
    const previous = managers.get(identity);
    const set = previous === undefined ? changed : union(previous.set, changed);
    managers.set(identity, { ...value, time: now, set });
  }
  return encodeManagers(withoutEmpty(managers));
}

function manager(of: Pick<Manager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): {
  identity: string;
  value: Omit<Manager, 'set'>;
} {
  const { manager: name, operation, apiVersion, subresource } = of;
  return {
    identity: managerIdentity(of),
    value: { manager: name, operation, apiVersion, subresource, time: undefined },
  };
}

/** Takes changed and removed fields away from every manager but `except`. */
export function takeFrom(
  managers: Map<string, Manager>,
  changed: FieldSet,
  removed: FieldSet,
  except: string | undefined,
): void {
  for (const [identity, manager] of managers) {
    let { set } = manager;
    if (identity !== except && !isEmpty(intersection(set, changed))) set = difference(set, changed);
    if (identity !== except && !isEmpty(removed)) set = difference(set, removed);
    if (set !== manager.set) managers.set(identity, { ...manager, set });
  }
}
