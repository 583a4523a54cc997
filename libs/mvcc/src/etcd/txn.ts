import type { Space } from '../space.js';
import { refuse } from '../txn.js';
import type { Outcome } from '../txn.js';
import { asRevision } from '../types.js';
import type { CommandResult, Revision, StoreEvent } from '../types.js';
import { allHold } from './compare.js';
import { interval, readRange } from './range.js';
import type { EtcdOperation, EtcdOperationResult, EtcdPut, EtcdTxn, EtcdTxnResult } from './types.js';
import { writesTwice } from './written-keys.js';

const none: readonly never[] = [];

/** The branches that a transaction takes, decided before it changes anything. */
interface Path {
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

interface Step {
  readonly operation: EtcdOperation;
  /** Of a nested transaction. */
  readonly path?: Path;
}

/**
 * Applies a transaction of etcd's kind: one revision for all its writes, none if nothing was written.
 * Refused as a whole, before any change.
 */
export function applyEtcdTxn(txn: EtcdTxn, space: Space): Outcome {
  if (writesTwice(txn.success) || writesTwice(txn.failure)) return refuse('duplicateKey');
  const path = decide(txn, space);
  const refused = refusal(path, space);
  if (refused !== undefined) return refuse(refused);
  const before = space.keys.revision;
  const events: StoreEvent[] = [];
  const next = asRevision(before + 1);
  const results = path.steps.map((step) => perform(step, next, space, events));
  const etcd: EtcdTxnResult = {
    type: 'txn',
    succeeded: path.succeeded,
    results,
    revision: space.keys.revision,
  };
  return { succeeded: path.succeeded, results: none, events, etcd };
}

/** A transaction that only reads, answered from the state as it is. Throws CompactedError or FutureRevisionError. */
export function readEtcdTxn(txn: EtcdTxn, space: Space): EtcdTxnResult {
  if (!onlyReads(txn)) throw new Error('a transaction that writes goes through the log');
  const path = decide(txn, space);
  const results = path.steps.map((step) => perform(step, space.keys.revision, space, []));
  return { type: 'txn', succeeded: path.succeeded, results, revision: space.keys.revision };
}

/** Whether any branch may put. */
export function etcdTxnPuts({ success, failure }: EtcdTxn): boolean {
  return [...success, ...failure].some(
    (operation) => operation.type === 'put' || (operation.type === 'txn' && etcdTxnPuts(operation)),
  );
}

/** Whether no branch writes. */
export function onlyReads({ success, failure }: EtcdTxn): boolean {
  return [...success, ...failure].every(
    (operation) => operation.type === 'range' || (operation.type === 'txn' && onlyReads(operation)),
  );
}

function decide(txn: EtcdTxn, space: Space): Path {
  const succeeded = allHold(txn.compare, space.keys);
  const operations = succeeded ? txn.success : txn.failure;
  const steps = operations.map((operation): Step =>
    operation.type === 'txn' ? { operation, path: decide(operation, space) } : { operation },
  );
  return { succeeded, steps };
}

function refusal(path: Path, space: Space): CommandResult['refused'] {
  for (const { operation, path: nested } of path.steps) {
    const refused =
      nested !== undefined
        ? refusal(nested, space)
        : operation.type === 'put'
          ? putRefusal(operation, space)
          : operation.type === 'range'
            ? readRefusal(operation.revision ?? 0, space)
            : undefined;
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function putRefusal(put: EtcdPut, { keys, leases }: Space): CommandResult['refused'] {
  if (put.lease && !leases.has(put.lease)) return 'leaseNotFound';
  const keeps = put.ignoreValue === true || put.ignoreLease === true;
  return keeps && keys.get(put.key) === undefined ? 'keyNotFound' : undefined;
}

function readRefusal(revision: number, { keys }: Space): CommandResult['refused'] {
  if (revision > keys.revision) return 'futureRevision';
  return revision > 0 && revision < keys.compactedRevision ? 'compacted' : undefined;
}

function perform(
  { operation, path }: Step,
  revision: Revision,
  space: Space,
  events: StoreEvent[],
): EtcdOperationResult {
  const { keys } = space;
  switch (operation.type) {
    case 'range':
      return readRange(keys, operation);
    case 'put':
      return put(operation, revision, space, events);
    case 'deleteRange': {
      // Collected first: the tree must not change under a walk.
      const { keyValues } = keys.range(interval(operation));
      for (const { key, lease } of keyValues) {
        const event = keys.delete(revision, key);
        space.leases.detach(lease, key);
        if (event !== undefined) events.push(event);
      }
      if (keyValues.length > 0) keys.revision = revision;
      const previous = operation.previous === true ? keyValues : none;
      return { type: 'deleteRange', deleted: keyValues.length, previous, revision: keys.revision };
    }
    case 'txn': {
      const results = path!.steps.map((step) => perform(step, revision, space, events));
      return { type: 'txn', succeeded: path!.succeeded, results, revision: keys.revision };
    }
  }
}

function put(
  operation: EtcdPut,
  revision: Revision,
  { keys, leases }: Space,
  events: StoreEvent[],
): EtcdOperationResult {
  const current = keys.get(operation.key);
  const lease = operation.ignoreLease === true ? current!.lease : (operation.lease ?? 0);
  // A copy: the bytes of a command belong to a larger frame that must not stay alive for one value.
  const value = operation.ignoreValue === true ? current!.value : new Uint8Array(operation.value);
  const event = keys.put(revision, operation.key, value, lease);
  if (current !== undefined && current.lease !== lease) leases.detach(current.lease, current.key);
  leases.attach(lease, event.keyValue.key);
  events.push(event);
  keys.revision = revision;
  return { type: 'put', previous: operation.previous === true ? current : undefined, revision };
}
