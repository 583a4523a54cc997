import { status } from '@grpc/grpc-js';
import type { EtcdCompare, EtcdOperation, EtcdRange, EtcdTxn } from '#libs/consensus';
import { EtcdError, etcdError } from '../errors.js';
import type {
  CompareMessage,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../messages.js';

/** As etcd's default: operations in one list of a transaction. */
const maxTxnOps = 128;
/** What the command codec takes; deeper nesting has no use. */
const maxTxnDepth = 15;

/** A key as the key space has it: one code unit a byte, so that both order alike. */
export function keyOf(bytes: Buffer): string {
  return bytes.toString('latin1');
}

/** One key when `end` is empty; an end of one zero byte has no bound, here as there. */
export function intervalOf(key: Buffer, end: Buffer): { readonly key: string; readonly end?: string } {
  if (key.length === 0) throw etcdError('emptyKey');
  return end.length === 0 ? { key: keyOf(key) } : { key: keyOf(key), end: keyOf(end) };
}

/** Integers beyond 2^53 lose nothing that matters: no revision, version or lease of ours is that large. */
export function clamp(value: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}

const atLeastZero = (value: number): number => Math.max(0, clamp(value));

const sortTargets = {
  KEY: 'key',
  VERSION: 'version',
  CREATE: 'createRevision',
  MOD: 'modRevision',
  VALUE: 'value',
} as const;

function sortOf({ sort_order: order, sort_target: field }: RangeRequest): Pick<EtcdRange, 'sort'> {
  const target = sortTargets[field as keyof typeof sortTargets];
  if (target === undefined || !['NONE', 'ASCEND', 'DESCEND'].includes(order))
    throw etcdError('invalidSortOption');
  // Keys come in ascending order by themselves; any other target without an order ascends.
  if (target === 'key' && order !== 'DESCEND') return {};
  return { sort: { target, descending: order === 'DESCEND' } };
}

export function rangeOf(request: RangeRequest): EtcdRange {
  const bound = (value: number): number | undefined => (value === 0 ? undefined : atLeastZero(value));
  const bounds = {
    minModRevision: bound(request.min_mod_revision),
    maxModRevision: bound(request.max_mod_revision),
    minCreateRevision: bound(request.min_create_revision),
    maxCreateRevision: bound(request.max_create_revision),
  };
  return {
    type: 'range',
    ...intervalOf(request.key, request.range_end),
    limit: atLeastZero(request.limit),
    revision: atLeastZero(request.revision),
    ...sortOf(request),
    keysOnly: request.keys_only,
    countOnly: request.count_only,
    ...bounds,
  };
}

export function putOf(request: PutRequest): EtcdOperation {
  if (request.key.length === 0) throw etcdError('emptyKey');
  if (request.ignore_value && request.value.length > 0) throw etcdError('valueProvided');
  if (request.ignore_lease && request.lease !== 0) throw etcdError('leaseProvided');
  return {
    type: 'put',
    key: keyOf(request.key),
    value: request.value,
    lease: leaseOf(request.lease),
    previous: request.prev_kv,
    ignoreValue: request.ignore_value,
    ignoreLease: request.ignore_lease,
  };
}

/** Throws where there can be no such lease. */
function leaseOf(lease: number): number {
  if (lease < 0) throw etcdError('leaseNotFound');
  return clamp(lease);
}

export function deleteRangeOf(request: DeleteRangeRequest): EtcdOperation {
  return {
    type: 'deleteRange',
    ...intervalOf(request.key, request.range_end),
    previous: request.prev_kv,
  };
}

export function txnOf(request: TxnRequest, depth = 0): EtcdTxn {
  const { compare, success, failure } = request;
  if (depth >= maxTxnDepth)
    throw new EtcdError(status.INVALID_ARGUMENT, `transactions are nested ${maxTxnDepth} deep at most`);
  if (Math.max(compare.length, success.length, failure.length) > maxTxnOps) throw etcdError('tooManyOps');
  return {
    type: 'txn',
    compare: compare.map(compareOf),
    success: success.map((operation) => operationOf(operation, depth)),
    failure: failure.map((operation) => operationOf(operation, depth)),
  };
}

function operationOf(operation: RequestOp, depth: number): EtcdOperation {
  switch (operation.request) {
    case 'request_range':
      return rangeOf(operation.request_range);
    case 'request_put':
      return putOf(operation.request_put);
    case 'request_delete_range':
      return deleteRangeOf(operation.request_delete_range);
    case 'request_txn':
      return txnOf(operation.request_txn, depth + 1);
    case undefined:
      throw etcdError('keyNotFound');
  }
}

const compareTargets = {
  VERSION: 'version',
  CREATE: 'createRevision',
  MOD: 'modRevision',
  VALUE: 'value',
  LEASE: 'lease',
} as const;
const compareOperators = { EQUAL: '=', GREATER: '>', LESS: '<', NOT_EQUAL: '!=' } as const;
const empty = Buffer.alloc(0);

function compareOf(message: CompareMessage): EtcdCompare {
  const target = compareTargets[message.target as keyof typeof compareTargets];
  const operator = compareOperators[message.result as keyof typeof compareOperators];
  if (target === undefined || operator === undefined)
    throw new EtcdError(status.INVALID_ARGUMENT, 'etcdserver: unknown compare target or result');
  const operands = {
    version: message.version,
    createRevision: message.create_revision,
    modRevision: message.mod_revision,
    lease: message.lease,
  };
  const operand = target === 'value' ? (message.value ?? empty) : clamp(operands[target] ?? 0);
  return { ...intervalOf(message.key, message.range_end), target, operator, operand };
}

/** Whether every read of a read-only transaction may be answered without asking the leader. */
export function isSerializable(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every((operation) =>
    operation.request === 'request_txn'
      ? isSerializable(operation.request_txn)
      : operation.request === 'request_range' && operation.request_range.serializable,
  );
}
