import { equalJson } from '../patch/json-value.js';
import type { JsonObject, ManagedFieldsEntry } from '../types.js';
import { equalSets, isEmpty, parseFieldSet, union, type FieldSet } from './field-set.js';

/** One manager's fields. Treated as immutable. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly set: FieldSet;
}

/** By identity: an applier is the same whatever version it applies in, an updater is not. */
export type Managers = ReadonlyMap<string, Manager>;

/** Kubernetes' bounds and names. */
const updateManagersMax = 10;
const ancientManager = 'ancient-changes';

export function managerIdentity(
  manager: Pick<Manager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>,
): string {
  const version = manager.operation === 'Apply' ? '' : manager.apiVersion;
  return `${manager.operation}\n${manager.manager}\n${version}\n${manager.subresource}`;
}

/** Reads managedFields; undefined where an entry cannot be read. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers = new Map<string, Manager>();
  for (const entry of entries ?? []) {
    const { manager, operation, apiVersion, time, fieldsV1, subresource } = entry;
    const set = parseFieldSet(fieldsV1 ?? {});
    if (set === undefined || (operation !== 'Apply' && operation !== 'Update')) return undefined;
    if (typeof apiVersion !== 'string' || (entry.fieldsType ?? 'FieldsV1') !== 'FieldsV1') return undefined;
    const decoded = {
      manager: manager ?? '',
      operation,
      apiVersion,
      subresource: subresource ?? '',
      time,
      set,
    };
    managers.set(managerIdentity(decoded), decoded);
  }
  return managers;
}

/** `[]` and `[{}]` ask for a new beginning. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined | null): boolean {
  if (entries === undefined || entries === null) return false;
  return entries.length === 0 || (entries.length === 1 && equalJson(entries[0] as unknown as JsonObject, {}));
}

/** The managers to begin from: the request's own where it brings some that can be read, otherwise the live object's. */
export function startingManagers(
  live: readonly ManagedFieldsEntry[] | undefined,
  requested: readonly ManagedFieldsEntry[] | undefined,
  subresource: string,
): Managers {
  if (subresource === '') {
    if (isReset(requested)) return new Map();
    const own = requested === live ? undefined : decodeManagers(requested);
    if (own !== undefined && own.size > 0) return own;
  }
  return decodeManagers(live) ?? new Map();
}

export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  return [...capUpdaters(managers).values()].sort(compareManagers).map((manager) => ({
    manager: manager.manager,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time === undefined ? {} : { time: manager.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: manager.set as unknown as JsonObject,
    ...(manager.subresource === '' ? {} : { subresource: manager.subresource }),
  }));
}

function compareManagers(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Beyond ten updaters the oldest of a version are put together, so that managedFields stays bounded. */
function capUpdaters(managers: Managers): Managers {
  const updaters = [...managers.values()].filter((manager) => manager.operation === 'Update');
  if (updaters.length <= updateManagersMax) return managers;
  updaters.sort((a, b) => compareText(a.time ?? '', b.time ?? '') || compareText(a.manager, b.manager));
  const capped = new Map(managers);
  const firstOfVersion = new Map<string, Manager>();
  let count = updaters.length;
  for (const updater of updaters) {
    if (count <= updateManagersMax) break;
    const first = firstOfVersion.get(updater.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(updater.apiVersion, updater);
      continue;
    }
    const merged: Manager = {
      ...updater,
      manager: ancientManager,
      subresource: '',
      set: union(first.set, updater.set),
    };
    capped.delete(managerIdentity(first));
    capped.delete(managerIdentity(updater));
    capped.set(managerIdentity(merged), merged);
    firstOfVersion.set(updater.apiVersion, merged);
    count--;
  }
  return capped;
}

export function equalManagers(a: Managers, b: Managers): boolean {
  if (a.size !== b.size) return false;
  for (const [identity, manager] of a) {
    const other = b.get(identity);
    if (other === undefined || other.apiVersion !== manager.apiVersion) return false;
    if (!equalSets(manager.set, other.set)) return false;
  }
  return true;
}

export function withoutEmpty(managers: Map<string, Manager>): Map<string, Manager> {
  for (const [identity, manager] of managers) if (isEmpty(manager.set)) managers.delete(identity);
  return managers;
}

/** Fields that belong to the server and to nobody else. */
const stripped: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': Object.fromEntries(
    [
      'name',
      'namespace',
      'creationTimestamp',
      'selfLink',
      'uid',
      'clusterName',
      'generation',
      'managedFields',
      'resourceVersion',
    ].map((name) => [`f:${name}`, {}]),
  ),
};

/** What no manager of this request may own: the server's fields, and those that its endpoint resets. */
export function unownedFields(subresource: string): FieldSet {
  if (subresource === 'status') return { ...stripped, 'f:spec': {} };
  return subresource === '' ? { ...stripped, 'f:status': {} } : stripped;
}
