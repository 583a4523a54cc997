import type { EtcdTxnResult } from './etcd/types.js';
import type { KeySpace } from './key-space.js';
import { compareKeys, effectiveEnd, inRange } from './key-range.js';
import type { Leases } from './leases.js';
import { asRevision, stampWidthBytes } from './types.js';
import type {
  Command,
  CommandResult,
  Compare,
  KeyValue,
  Operation,
  OperationResult,
  Revision,
  StoreEvent,
} from './types.js';
import { compareBytes, ordered } from './value-order.js';

/** What a command did to the keys, before it is dressed up as a CommandResult. */
export interface Outcome {
  readonly succeeded: boolean;
  readonly refused?: CommandResult['refused'];
  readonly results: readonly OperationResult[];
  readonly events: readonly StoreEvent[];
  readonly etcd?: EtcdTxnResult;
}

const nothing: readonly never[] = [];

export function refuse(refused: NonNullable<CommandResult['refused']>): Outcome {
  return { succeeded: false, refused, results: nothing, events: nothing };
}

/**
 * Applies a transaction as etcd does: compare, then the operations of one branch in order, each seeing
 * those before it; one revision for all of them, none if nothing was written. Refused before any change.
 */
export function applyTxn(
  command: Extract<Command, { type: 'txn' }>,
  term: number,
  keys: KeySpace,
  leases: Leases,
): Outcome {
  if (command.fence !== undefined && command.fence !== term) return refuse('fenced');
  if (writesTwice(command.success) || writesTwice(command.failure)) return refuse('duplicateKey');
  let succeeded = true;
  for (const compare of command.compare) {
    if (holds(compare, keys.get(compare.key))) continue;
    succeeded = false;
    break;
  }
  const operations = succeeded ? command.success : command.failure;
  for (const operation of operations) {
    if (operation.type === 'put' && operation.lease && !leases.has(operation.lease)) {
      return refuse('leaseNotFound');
    }
  }
  const revision = asRevision(keys.revision + 1);
  const results: OperationResult[] = [];
  const events: StoreEvent[] = [];
  for (const operation of operations) results.push(perform(operation, revision, keys, leases, events));
  if (events.length > 0) keys.revision = revision;
  return { succeeded, results, events };
}

function perform(
  operation: Operation,
  revision: Revision,
  keys: KeySpace,
  leases: Leases,
  events: StoreEvent[],
): OperationResult {
  switch (operation.type) {
    case 'put': {
      const lease = operation.lease ?? 0;
      const value = ownedValue(operation.value, operation.stampOffset, revision);
      const event = keys.put(revision, operation.key, value, lease);
      const { keyValue, previous } = event;
      if (previous !== undefined && previous.lease !== lease) leases.detach(previous.lease, keyValue.key);
      leases.attach(lease, keyValue.key);
      events.push(event);
      return { type: 'put', keyValue, previous };
    }
    case 'delete': {
      // Collected first: the tree must not change under a walk.
      const previous =
        operation.end === undefined
          ? [keys.get(operation.key)].filter((found) => found !== undefined)
          : keys.range({ start: operation.key, end: operation.end }).keyValues;
      for (const keyValue of previous) {
        const event = keys.delete(revision, keyValue.key);
        leases.detach(keyValue.lease, keyValue.key);
        if (event !== undefined) events.push(event);
      }
      return { type: 'delete', previous };
    }
    case 'get': {
      const { key: start, end, limit } = operation;
      const { keyValues, count } = keys.range({ start, end, limit, count: true });
      return { type: 'get', keyValues, count };
    }
  }
}

/**
 * The store's own copy, the only one made: the bytes of the command belong to a larger frame that must not
 * stay alive for it. Where a slot is given, the revision is written into that copy.
 */
function ownedValue(source: Uint8Array, stampOffset: number | undefined, revision: Revision): Uint8Array {
  const value = new Uint8Array(source.length);
  value.set(source);
  if (stampOffset === undefined) return value;
  const text = `"${revision}"`;
  for (let i = 0; i < stampWidthBytes; i++) {
    value[stampOffset + i] = i < text.length ? text.charCodeAt(i) : 0x20;
  }
  return value;
}

/** Whether a key is put twice, or put and deleted: etcd refuses both, as one revision has one state of a key. */
function writesTwice(operations: readonly Operation[]): boolean {
  if (operations.length < 2) return false;
  const puts = operations.filter((operation) => operation.type === 'put').map((put) => put.key);
  puts.sort(compareKeys);
  for (let i = 1; i < puts.length; i++) if (puts[i] === puts[i - 1]) return true;
  for (const operation of operations) {
    if (operation.type !== 'delete') continue;
    const first = puts[lowerBound(puts, operation.key)];
    if (first !== undefined && inRange(first, operation.key, effectiveEnd(operation.key, operation.end))) {
      return true;
    }
  }
  return false;
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function holds(compare: Compare, keyValue: KeyValue | undefined): boolean {
  const { target, operator, operand } = compare;
  if (target === 'value') {
    // As in etcd, no comparison of a value holds for a key that does not exist, not even an unequal one.
    return keyValue !== undefined && ordered(compareBytes(keyValue.value, operand as Uint8Array), operator);
  }
  return ordered((keyValue?.[target] ?? 0) - (operand as number), operator);
}
