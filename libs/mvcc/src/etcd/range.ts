import { compareKeys, unboundedEnd } from '../key-range.js';
import type { KeySpace } from '../key-space.js';
import { asRevision } from '../types.js';
import type { KeyValue, RangeQuery } from '../types.js';
import { compareBytes } from '../value-order.js';
import type { EtcdRange, EtcdRangeResult, KeyInterval, SortTarget } from './types.js';

const noValue = new Uint8Array(0);

/**
 * Reads as etcd does. Whatever hides or reorders keys does so before the limit counts.
 * Throws CompactedError or FutureRevisionError.
 */
export function readRange(keys: KeySpace, request: EtcdRange): EtcdRangeResult {
  const { revision: current } = keys;
  const whole = hidesKeys(request) || request.sort !== undefined;
  const limit = request.limit ?? 0;
  const query: RangeQuery = {
    ...interval(request),
    ...(request.revision ? { revision: asRevision(request.revision) } : {}),
    // One key is enough to count by: the tree counts the others a leaf at a time.
    limit: request.countOnly === true ? 1 : whole ? 0 : limit,
    count: true,
  };
  const read = keys.range(query);
  if (request.countOnly === true) {
    return { type: 'range', keyValues: [], more: false, count: read.count, revision: current };
  }
  let keyValues = read.keyValues;
  let { more } = read;
  if (whole) {
    keyValues = arranged(keyValues, request);
    more = limit > 0 && keyValues.length > limit;
    if (more) keyValues = keyValues.slice(0, limit);
  }
  if (request.keysOnly === true) keyValues = keyValues.map((found) => ({ ...found, value: noValue }));
  return { type: 'range', keyValues, more, count: read.count, revision: current };
}

/** As a query of the key space, which wants no interval whose end lies before its start. */
export function interval({ key, end }: KeyInterval): { readonly start: string; readonly end?: string } {
  if (end === undefined) return { start: key };
  return { start: key, end: end !== unboundedEnd && end < key ? key : end };
}

function hidesKeys(request: EtcdRange): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return (
    minModRevision !== undefined ||
    maxModRevision !== undefined ||
    minCreateRevision !== undefined ||
    maxCreateRevision !== undefined
  );
}

function arranged(found: readonly KeyValue[], request: EtcdRange): readonly KeyValue[] {
  const { sort, minModRevision: minMod = 0, maxModRevision: maxMod = Infinity } = request;
  const { minCreateRevision: minCreate = 0, maxCreateRevision: maxCreate = Infinity } = request;
  const shown = found.filter(
    ({ modRevision, createRevision }) =>
      modRevision >= minMod &&
      modRevision <= maxMod &&
      createRevision >= minCreate &&
      createRevision <= maxCreate,
  );
  if (sort === undefined) return shown;
  const order = orders[sort.target];
  return shown.sort(sort.descending ? (a, b) => order(b, a) : order);
}

const orders: Readonly<Record<SortTarget, (a: KeyValue, b: KeyValue) => number>> = {
  key: (a, b) => compareKeys(a.key, b.key),
  version: (a, b) => a.version - b.version,
  createRevision: (a, b) => a.createRevision - b.createRevision,
  modRevision: (a, b) => a.modRevision - b.modRevision,
  value: (a, b) => compareBytes(a.value, b.value),
};
