import { EmptyBTree } from 'sorted-btree';
import type sortedBtree from 'sorted-btree';
import { compareKeys, unboundedEnd } from './key-range.js';

/** A B+ tree by key; `clone` is O(1) and copies on write, which is what makes a snapshot free. */
export type OrderedMap<Value> = sortedBtree.default<string, Value>;

// The package is CommonJS: what its default export looks like depends on the loader, this does not.
const BTree = EmptyBTree.constructor as typeof sortedBtree.default;

export function createOrderedMap<Value>(): OrderedMap<Value> {
  return new BTree<string, Value>(undefined, compareKeys);
}

/** Calls `visit` for each entry in [start, end) in key order until it returns false. */
export function visitRange<Value>(
  map: OrderedMap<Value>,
  start: string,
  end: string,
  visit: (value: Value, key: string) => boolean,
): void {
  const unbounded = end === unboundedEnd;
  const high = unbounded ? map.maxKey() : end;
  if (high === undefined) return;
  map.forRange(start, high, unbounded, (key, value) => (visit(value, key) ? undefined : { break: 0 }));
}

/** How many entries lie in [start, end): a leaf at a time, not an entry at a time. */
export function countRange<Value>(map: OrderedMap<Value>, start: string, end: string): number {
  const unbounded = end === unboundedEnd;
  const high = unbounded ? map.maxKey() : end;
  return high === undefined ? 0 : map.forRange(start, high, unbounded);
}
