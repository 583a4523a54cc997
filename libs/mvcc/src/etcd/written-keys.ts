import { effectiveEnd, inRange } from '../key-range.js';
import { interval } from './range.js';
import type { EtcdDeleteRange, EtcdOperation } from './types.js';

/** What a list of operations may write: puts by key, deletions by interval. */
interface Writes {
  readonly puts: Set<string>;
  readonly deletes: EtcdDeleteRange[];
}

/**
 * Whether a key may be written twice by one run of these operations: etcd refuses that, as one revision has one state
 * of a key. Deletions may overlap each other; the branches of a nested transaction exclude each other.
 * @param operations one branch of a transaction, with whatever is nested in it
 */
export function writesTwice(operations: readonly EtcdOperation[]): boolean {
  return collect(operations) === undefined;
}

/** Undefined when a key is written twice. */
function collect(operations: readonly EtcdOperation[]): Writes | undefined {
  const own = operations.filter((operation) => operation.type === 'deleteRange');
  const all: Writes = { puts: new Set(), deletes: [...own] };
  for (const operation of operations) {
    if (operation.type !== 'txn') continue;
    const success = collect(operation.success);
    const failure = collect(operation.failure);
    if (success === undefined || failure === undefined) return undefined;
    const nested = new Set([...success.puts, ...failure.puts]);
    for (const key of nested) if (!addPut(all, own, key)) return undefined;
    all.deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const operation of operations) {
    if (operation.type === 'put' && !addPut(all, all.deletes, operation.key)) return undefined;
  }
  return all;
}

function addPut(all: Writes, deletes: readonly EtcdDeleteRange[], key: string): boolean {
  if (all.puts.has(key) || deletes.some((deletion) => covers(deletion, key))) return false;
  all.puts.add(key);
  return true;
}

function covers(deletion: EtcdDeleteRange, key: string): boolean {
  const { start, end } = interval(deletion);
  return inRange(key, start, effectiveEnd(start, end));
}
