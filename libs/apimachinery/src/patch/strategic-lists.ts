import type { Json, JsonObject } from '../types.js';
import { cloneJson, equalJson, isJsonObject, member, unprocessablePatch } from './json-value.js';

/** How elements of a list of maps are merged; given by the caller that knows their schema. */
export interface ElementMerge {
  merge(before: JsonObject, after: JsonObject): JsonObject;
  /** An element that is new. */
  adopt(item: JsonObject): JsonObject;
}

/** Sets of primitives: the union, in the order of the patch where the patch speaks. */
export function mergePrimitives(original: readonly Json[], patch: readonly Json[]): Json[] {
  if ([...original, ...patch].some((item) => typeof item === 'object')) {
    throw unprocessablePatch('list element types are not identical');
  }
  const merged = [...new Set([...original, ...patch])];
  return interleave(merged, patch, original, (item) => item);
}

export function deletePrimitives(original: readonly Json[], removed: readonly Json[]): Json[] {
  const gone = new Set(removed);
  return original.filter((item) => !gone.has(item)).map((item) => cloneJson(item));
}

/** Elements are the same where their merge key is; `$patch` in an element directs the list. */
export function mergeListOfMaps(
  original: readonly Json[],
  patch: readonly Json[],
  mergeKey: string,
  element: ElementMerge,
): Json[] {
  const { base, items } = obeyDirectives(original, patch, mergeKey);
  const places = new Map<string, number>();
  const merged = base.map((item, index) => {
    const identity = identityOf(item, mergeKey);
    if (identity !== undefined && !places.has(identity)) places.set(identity, index);
    return item;
  });
  for (const item of items) {
    const identity = identityOf(item, mergeKey);
    if (identity === undefined) throw noMergeKey(item, mergeKey);
    const place = places.get(identity);
    const before = place === undefined ? undefined : merged[place];
    if (place !== undefined && isJsonObject(before)) merged[place] = element.merge(before, item);
    else {
      places.set(identity, merged.length);
      merged.push(element.adopt(item));
    }
  }
  const ordered = interleave(merged, items, base, (item) => identityOf(item, mergeKey));
  const originals = new Set(original);
  return ordered.map((item) => (originals.has(item) ? cloneJson(item) : item));
}

function obeyDirectives(
  original: readonly Json[],
  patch: readonly Json[],
  mergeKey: string,
): { base: readonly Json[]; items: JsonObject[] } {
  const items: JsonObject[] = [];
  const deleted = new Set<string>();
  let replace = false;
  for (const item of patch) {
    if (!isJsonObject(item)) throw unprocessablePatch('lists of maps and of other values cannot be mixed');
    const instruction = member(item, '$patch');
    if (instruction === undefined) items.push(item);
    else if (instruction === 'replace') replace = true;
    else if (instruction === 'delete') {
      const identity = identityOf(item, mergeKey);
      if (identity === undefined) throw noMergeKey(item, mergeKey);
      deleted.add(identity);
    } else if (instruction === 'merge') {
      throw unprocessablePatch('merging lists cannot yet be specified in the patch');
    } else {
      throw unprocessablePatch(
        `unknown patch type ${JSON.stringify(instruction)} in map: ${JSON.stringify(item)}`,
      );
    }
  }
  if (replace) return { base: [], items };
  if (deleted.size === 0) return { base: original, items };
  const base = original.filter((item) => {
    const identity = identityOf(item, mergeKey);
    return identity === undefined || !deleted.has(identity);
  });
  return { base, items };
}

/** The merge key's value in a form that compares by value. */
function identityOf(item: Json, mergeKey: string): string | undefined {
  if (!isJsonObject(item)) return undefined;
  const value = member(item, mergeKey);
  return value === undefined ? undefined : JSON.stringify(value);
}

function noMergeKey(item: JsonObject, mergeKey: string): Error {
  return unprocessablePatch(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
}

/** Puts a merged list in the order of its `$setElementOrder/`; the patch's own list must agree with it. */
export function orderList(
  merged: readonly Json[],
  order: readonly Json[],
  live: readonly Json[],
  change: readonly Json[],
  mergeKey: string | undefined,
): Json[] {
  const keyOf = (item: Json) => (mergeKey === undefined ? item : identityOf(item, mergeKey));
  let at = 0;
  for (const item of change) {
    if (isJsonObject(item) && Object.hasOwn(item, '$patch')) continue;
    const wanted = keyOf(item);
    while (at < order.length && !equalJson(keyOf(order[at] as Json), wanted)) at++;
    if (at === order.length) {
      throw unprocessablePatch(
        `The order in patch list:\n${JSON.stringify(change)}\n doesn't match $setElementOrder list:\n${JSON.stringify(order)}\n`,
      );
    }
    at++;
  }
  return interleave(merged, order, live, keyOf);
}

/**
 * Items that `order` names stand in its order; each other one comes before the first of those that it preceded in
 * the live list. Both relative orders are kept (mergeSortedSlice of strategicpatch).
 */
function interleave(
  merged: readonly Json[],
  order: readonly Json[],
  live: readonly Json[],
  keyOf: (item: Json) => Json | undefined,
): Json[] {
  const rank = ranks(order, keyOf);
  const liveRank = ranks(live, keyOf);
  const named: Json[] = [];
  const others: Json[] = [];
  for (const item of merged) (rank.has(keyOf(item)) ? named : others).push(item);
  named.sort((a, b) => (rank.get(keyOf(a)) ?? 0) - (rank.get(keyOf(b)) ?? 0));
  const result: Json[] = [];
  let next = 0;
  for (const item of named) {
    const place = liveRank.get(keyOf(item));
    for (; next < others.length; next++) {
      const other = others[next] as Json;
      const otherPlace = liveRank.get(keyOf(other));
      if (place === undefined || otherPlace === undefined || otherPlace >= place) break;
      result.push(other);
    }
    result.push(item);
  }
  result.push(...others.slice(next));
  return result;
}

function ranks(
  items: readonly Json[],
  keyOf: (item: Json) => Json | undefined,
): Map<Json | undefined, number> {
  const rank = new Map<Json | undefined, number>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    if (!rank.has(key)) rank.set(key, index);
  }
  return rank;
}
