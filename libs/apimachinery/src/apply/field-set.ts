import type { Json, JsonObject } from '../types.js';

/**
 * A set of fields, in the form that managedFields carries (FieldsV1): a tree whose keys are `f:name` for a field,
 * `k:{"name":"c"}` for an element of a list by its keys, `v:"x"` for a member of a set. A node is itself in the set when it
 * has the key `.` or no key at all. The root stands for the object and is never in the set. Sets are not changed in place.
 */
export interface FieldSet {
  readonly [pathElement: string]: FieldSet;
}

/** The one leaf: a field that is in the set, and nothing below it. */
export const leaf: FieldSet = Object.freeze({});
/** A set without fields. */
export const emptySet: FieldSet = leaf;

/** Levels of a set at most; sets come from clients too. */
const depthMax = 256;

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether a node below the root is itself in the set. */
export function isMember(node: FieldSet): boolean {
  return node['.'] !== undefined || isEmpty(node);
}

/** Reads FieldsV1; undefined where it is none. */
export function parseFieldSet(raw: Json | undefined, depth = 0): FieldSet | undefined {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw) || depth > depthMax) return undefined;
  const set: Record<string, FieldSet> = {};
  for (const key of Object.keys(raw)) {
    const child = parseFieldSet(raw[key], depth + 1);
    if (child === undefined || (key !== '.' && !isElement(key))) return undefined;
    const element = canonicalElement(key);
    if (element === undefined) return undefined;
    if (key !== '.') set[element] = child;
    else if (depth > 0) set['.'] = leaf;
  }
  const { length } = Object.keys(set);
  return length === 0 || (length === 1 && set['.'] !== undefined) ? leaf : set;
}

function isElement(key: string): boolean {
  return key.charCodeAt(1) === 58 && 'fkvi'.includes(key.charAt(0));
}

/** Two writers may space their JSON differently; the set has one spelling. */
function canonicalElement(key: string): string | undefined {
  if (!key.startsWith('k:') && !key.startsWith('v:')) return key;
  try {
    const value = JSON.parse(key.slice(2)) as Json;
    if (key.startsWith('v:')) return valueElement(value);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? keyElement(value)
      : undefined;
  } catch {
    return undefined;
  }
}

export function valueElement(value: Json): string {
  return `v:${JSON.stringify(value)}`;
}

/** Keys in the order of the alphabet, as Kubernetes writes them. */
function keyElement(keys: JsonObject): string {
  const names = Object.keys(keys).sort();
  return `k:{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(keys[name])}`).join(',')}}`;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return unionNodes(a, b, false);
}

function unionNodes(a: FieldSet, b: FieldSet, member: boolean): FieldSet {
  const result: Record<string, FieldSet> = member ? { '.': leaf } : {};
  for (const key of Object.keys(a)) result[key] = a[key]!;
  for (const key of Object.keys(b)) {
    const mine = a[key];
    const theirs = b[key]!;
    if (key === '.') result[key] = leaf;
    else if (mine === undefined) result[key] = theirs;
    else if (isEmpty(mine) && isEmpty(theirs)) result[key] = leaf;
    else result[key] = unionNodes(mine, theirs, isMember(mine) || isMember(theirs));
  }
  return result;
}

/** What is in `a` and not in `b`; fields below one of `b` stay. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmpty(b) ? a : (combine(a, b, false, (inA, inB) => inA && !inB, true) ?? emptySet);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, false, (inA, inB) => inA && inB, false) ?? emptySet;
}

function combine(
  a: FieldSet,
  b: FieldSet,
  memberHere: boolean,
  rule: (inA: boolean, inB: boolean) => boolean,
  keepsUnmatched: boolean,
): FieldSet | undefined {
  const result: Record<string, FieldSet> = {};
  let children = 0;
  for (const key of Object.keys(a)) {
    if (key === '.') continue;
    const mine = a[key]!;
    const theirs = b[key];
    const kept =
      theirs === undefined
        ? keepsUnmatched
          ? mine
          : undefined
        : combine(mine, theirs, rule(isMember(mine), isMember(theirs)), rule, keepsUnmatched);
    if (kept === undefined) continue;
    result[key] = kept;
    children++;
  }
  if (children === 0) return memberHere ? leaf : undefined;
  if (memberHere) result['.'] = leaf;
  return result;
}

/** What is in `a` and neither in `b` nor below one of its fields. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  const result: Record<string, FieldSet> = {};
  for (const key of Object.keys(a)) {
    const theirs = b[key];
    if (theirs === undefined) result[key] = a[key]!;
    else if (key !== '.' && !isMember(theirs)) {
      const rest = recursiveDifference(a[key]!, theirs);
      if (!isEmpty(rest)) result[key] = rest;
    }
  }
  return isEmpty(result) ? emptySet : result;
}

/** Every struct field on the way to a member becomes a member; elements of lists do not. */
export function withNamedFields(set: FieldSet): FieldSet {
  const result: Record<string, FieldSet> = {};
  for (const key of Object.keys(set)) {
    const child = set[key]!;
    if (key === '.' || isEmpty(child)) result[key] = leaf;
    else
      result[key] = key.startsWith('f:') ? { ...withNamedFields(child), '.': leaf } : withNamedFields(child);
  }
  return result;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => b[key] !== undefined && equalSets(a[key]!, b[key]))
  );
}

/** Paths of the members as Kubernetes writes them: `.spec.containers[name="c"].image`. */
export function memberPaths(set: FieldSet, prefix = ''): string[] {
  const paths: string[] = [];
  for (const key of Object.keys(set).sort()) {
    if (key === '.') continue;
    const path = prefix + elementText(key);
    const child = set[key]!;
    if (isMember(child)) paths.push(path);
    paths.push(...memberPaths(child, path));
  }
  return paths;
}

function elementText(key: string): string {
  const rest = key.slice(2);
  if (key.startsWith('f:')) return `.${rest}`;
  if (key.startsWith('v:')) return `[=${rest}]`;
  if (key.startsWith('i:')) return `[${rest}]`;
  const keys = JSON.parse(rest) as JsonObject;
  return `[${Object.keys(keys)
    .map((name) => `${name}=${JSON.stringify(keys[name])}`)
    .join(',')}]`;
}
