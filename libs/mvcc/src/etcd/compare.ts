import type { KeySpace } from '../key-space.js';
import type { KeyValue } from '../types.js';
import { compareBytes, ordered } from '../value-order.js';
import { interval } from './range.js';
import type { EtcdCompare } from './types.js';

/** Whether all compares hold in the state as it is. */
export function allHold(compares: readonly EtcdCompare[], keys: KeySpace): boolean {
  return compares.every((compare) => holds(compare, keys));
}

function holds(compare: EtcdCompare, keys: KeySpace): boolean {
  if (compare.end === undefined) return holdsFor(compare, keys.get(compare.key));
  const { keyValues } = keys.range(interval(compare));
  if (keyValues.length === 0) return holdsFor(compare, undefined);
  return keyValues.every((keyValue) => holdsFor(compare, keyValue));
}

function holdsFor({ target, operator, operand }: EtcdCompare, keyValue: KeyValue | undefined): boolean {
  if (typeof operand !== 'number') {
    // As in etcd, no comparison of a value holds for a key that does not exist, not even an unequal one.
    return keyValue !== undefined && ordered(compareBytes(keyValue.value, operand), operator);
  }
  const actual = keyValue === undefined || target === 'value' ? 0 : keyValue[target];
  return ordered(actual - operand, operator);
}
