import { asRevision, effectiveEnd, inRange } from '#libs/mvcc';
import type { Compare, KeyValue, Operation, OperationResult, Revision, StoreEvent } from '#libs/mvcc';
import { StorageError } from '../storage.js';
import type { TxnRequest } from '../storage.js';
import type {
  RangeResponse,
  RequestOp,
  TxnRequest as WireTxn,
  TxnResponse,
  WireCompare,
} from './grpc/messages.js';
import type { Layout } from './layout.js';
import { toKeyValue } from './load.js';
import { decodeValue, encodeValue } from './stored-value.js';

/** As etcd takes a transaction. Throws StorageError BadRequest for keys and values that it could not hold. */
export function toWireTxn(request: TxnRequest, layout: Layout): WireTxn {
  return {
    compare: request.compare.map((compare) => toWireCompare(compare, layout)),
    success: request.success.map((operation) => toWireOperation(operation, layout)),
    failure: (request.failure ?? []).map((operation) => toWireOperation(operation, layout)),
  };
}

/** The transaction as the one thing to do while the candidacy `key` is the one created at `term`. */
export function fenced(txn: WireTxn, key: Buffer, term: number): WireTxn {
  return {
    compare: [{ key, target: 'CREATE', result: 'EQUAL', create_revision: term }],
    success: [{ request_txn: txn }],
    failure: [],
  };
}

const results = { '=': 'EQUAL', '!=': 'NOT_EQUAL', '<': 'LESS', '>': 'GREATER' } as const;

function toWireCompare({ key, target, operator, operand }: Compare, layout: Layout): WireCompare {
  const common = { key: layout.data(wellFormed(key)), result: results[operator] };
  if (target === 'value')
    return { ...common, target: 'VALUE', value: encodeValue(operand as Uint8Array, undefined) };
  const number = operand as number;
  switch (target) {
    case 'modRevision':
      return { ...common, target: 'MOD', mod_revision: number };
    case 'createRevision':
      return { ...common, target: 'CREATE', create_revision: number };
    case 'version':
      return { ...common, target: 'VERSION', version: number };
    case 'lease':
      return { ...common, target: 'LEASE', lease: number };
  }
}

function toWireOperation(operation: Operation, layout: Layout): RequestOp {
  const key = layout.data(wellFormed(operation.key));
  switch (operation.type) {
    case 'put': {
      if (operation.key === '') throw new StorageError('BadRequest', 'a key must not be empty');
      const value = encodeValue(operation.value, operation.stampOffset);
      return { request_put: { key, value, lease: operation.lease ?? 0 } };
    }
    case 'delete':
      return { request_delete_range: { key, ...rangeEnd(operation.end, layout) } };
    case 'get':
      return { request_range: { key, ...rangeEnd(operation.end, layout), limit: operation.limit ?? 0 } };
  }
}

function rangeEnd(end: string | undefined, layout: Layout): { range_end?: Buffer } {
  return end === undefined ? {} : { range_end: layout.dataEnd(wellFormed(end)) };
}

/** Half a surrogate pair has no bytes of its own: two such keys would become one. */
function wellFormed(key: string): string {
  if (/\p{Surrogate}/u.test(key)) throw new StorageError('BadRequest', 'the key is no well-formed Unicode');
  return key;
}

export interface WrittenState {
  readonly revision: Revision;
  /** Those of exactly this revision; none when the replica was loaded behind it. */
  readonly events: readonly StoreEvent[];
  readonly current: (key: string) => KeyValue | undefined;
}

/** What the operations of the branch that was taken did, from what the replica was told and etcd's answer to the reads. */
export function toResults(
  operations: readonly Operation[],
  response: TxnResponse,
  state: WrittenState,
  layout: Layout,
): OperationResult[] {
  return operations.map((operation, i) => {
    switch (operation.type) {
      case 'put':
        return putResult(operation, state);
      case 'delete': {
        const end = effectiveEnd(operation.key, operation.end);
        const previous = state.events.flatMap((event) =>
          event.type === 'delete' &&
          event.previous !== undefined &&
          inRange(event.keyValue.key, operation.key, end)
            ? [event.previous]
            : [],
        );
        return { type: 'delete', previous };
      }
      case 'get':
        return getResult(response.responses[i]?.response_range, layout);
    }
  });
}

function putResult(operation: Extract<Operation, { type: 'put' }>, state: WrittenState): OperationResult {
  const event = state.events.find(({ keyValue }) => keyValue.key === operation.key);
  if (event !== undefined) return { type: 'put', keyValue: event.keyValue, previous: event.previous };
  // The replica had to be loaded anew meanwhile and has not seen the event: what was written is known all the same.
  const current = state.current(operation.key);
  const value = decodeValue(encodeValue(operation.value, operation.stampOffset), state.revision);
  const keyValue: KeyValue = {
    key: operation.key,
    value,
    createRevision: current?.createRevision ?? state.revision,
    modRevision: state.revision,
    version: current?.version ?? 1,
    lease: operation.lease ?? 0,
  };
  return { type: 'put', keyValue, previous: undefined };
}

function getResult(response: RangeResponse | undefined, layout: Layout): OperationResult {
  const keyValues = (response?.kvs ?? []).flatMap((kv) => {
    const place = layout.parse(kv.key);
    return place.kind === 'data' ? [toKeyValue(place.key, kv)] : [];
  });
  return { type: 'get', keyValues, count: response?.count ?? 0 };
}

/** The events of exactly one revision, of those at or behind it. */
export function eventsAt(revision: number, events: readonly StoreEvent[]): readonly StoreEvent[] {
  const end = events.findIndex(({ keyValue }) => keyValue.modRevision !== asRevision(revision));
  return end === -1 ? events : events.slice(0, end);
}
