import type { ByteReader, ByteWriter } from '../bytes.js';
import type { EtcdCompare, EtcdOperation, EtcdRange, EtcdTxn, SortTarget } from './types.js';

// A transaction is its compares, then both branches; lists carry their count. An operation is its type, then flag bits,
// then its fields in the order of types.ts; what a flag does not announce is absent.
const targets = ['version', 'createRevision', 'modRevision', 'value', 'lease'] as const;
const operators = ['=', '>', '<', '!='] as const;
const operationTypes = ['range', 'put', 'deleteRange', 'txn'] as const;
const sortTargets = ['key', 'version', 'createRevision', 'modRevision', 'value'] as const;
const bounds = ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision'] as const;
/** Deeper nesting is refused: reading it would recurse without a bound. */
export const maxTxnDepth = 16;

/** Throws RangeError for what no reader would take. */
export function writeTxn(writer: ByteWriter, txn: EtcdTxn, depth = 0): void {
  if (depth >= maxTxnDepth) throw new RangeError(`transactions are nested ${maxTxnDepth} deep at most`);
  writer.integer(txn.compare.length);
  for (const compare of txn.compare) writeCompare(writer, compare);
  for (const branch of [txn.success, txn.failure]) {
    writer.integer(branch.length);
    for (const operation of branch) writeOperation(writer, operation, depth);
  }
}

/** Values are views of the reader's bytes. Throws DecodeError. */
export function readTxn(reader: ByteReader, depth = 0): EtcdTxn {
  if (depth >= maxTxnDepth) reader.fail('transactions are nested too deep');
  const compare = readList(reader, 'compare', () => readCompare(reader));
  const success = readList(reader, 'success operation', () => readOperation(reader, depth));
  const failure = readList(reader, 'failure operation', () => readOperation(reader, depth));
  return { type: 'txn', compare, success, failure };
}

function readList<T>(reader: ByteReader, field: string, readItem: () => T): T[] {
  return Array.from({ length: reader.count(`${field} count`) }, readItem);
}

function writeFlags(writer: ByteWriter, flags: readonly (boolean | undefined)[]): void {
  let bits = 0;
  for (const [bit, flag] of flags.entries()) if (flag === true) bits |= 1 << bit;
  writer.byte(bits);
}

function writeCompare(writer: ByteWriter, { key, end, target, operator, operand }: EtcdCompare): void {
  writer.byte(targets.indexOf(target) * operators.length + operators.indexOf(operator));
  const negative = typeof operand === 'number' && operand < 0;
  writeFlags(writer, [end !== undefined, typeof operand !== 'number', negative]);
  writer.text(key);
  if (end !== undefined) writer.text(end);
  if (typeof operand === 'number') writer.integer(Math.abs(operand));
  else writer.bytes(operand);
}

function readCompare(reader: ByteReader): EtcdCompare {
  const code = reader.byte('compare kind');
  const target = targets[Math.floor(code / operators.length)];
  const operator = operators[code % operators.length];
  if (target === undefined || operator === undefined) reader.fail(`unknown compare kind ${code}`);
  const flags = readFlags(reader, 3);
  const key = reader.text('compare key');
  const end = flags & 1 ? reader.text('compare end') : undefined;
  const isBytes = (flags & 2) !== 0;
  const sign = flags & 4 ? -1 : 1;
  const operand = isBytes ? reader.bytes('compare operand') : sign * reader.integer('compare operand');
  return { key, ...(end === undefined ? {} : { end }), target, operator, operand };
}

function readFlags(reader: ByteReader, known: number): number {
  const flags = reader.byte('flags');
  if (flags >= 1 << known) reader.fail(`unknown flags ${flags}`);
  return flags;
}

function writeOperation(writer: ByteWriter, operation: EtcdOperation, depth: number): void {
  writer.byte(operationTypes.indexOf(operation.type));
  switch (operation.type) {
    case 'txn':
      return writeTxn(writer, operation, depth + 1);
    case 'range':
      return writeRange(writer, operation);
    case 'put': {
      const { key, value, lease, previous, ignoreValue, ignoreLease } = operation;
      if (key === '') throw new RangeError('a key must not be empty');
      writeFlags(writer, [previous, ignoreValue, ignoreLease]);
      writer.text(key);
      writer.bytes(value);
      return writer.integer(lease ?? 0);
    }
    case 'deleteRange': {
      const { key, end, previous } = operation;
      writeFlags(writer, [end !== undefined, previous]);
      writer.text(key);
      if (end !== undefined) writer.text(end);
    }
  }
}

function writeRange(writer: ByteWriter, range: EtcdRange): void {
  const { key, end, limit, revision, sort, keysOnly, countOnly } = range;
  writeFlags(writer, [end !== undefined, sort !== undefined, sort?.descending, keysOnly, countOnly]);
  writeFlags(
    writer,
    bounds.map((bound) => range[bound] !== undefined),
  );
  writer.text(key);
  if (end !== undefined) writer.text(end);
  writer.integer(limit ?? 0);
  writer.integer(revision ?? 0);
  if (sort !== undefined) writer.byte(sortTargets.indexOf(sort.target));
  for (const bound of bounds) {
    const value = range[bound];
    if (value !== undefined) writer.integer(value);
  }
}

function readOperation(reader: ByteReader, depth: number): EtcdOperation {
  const type = operationTypes[reader.byte('operation type')] ?? reader.fail('unknown operation type');
  switch (type) {
    case 'txn':
      return readTxn(reader, depth + 1);
    case 'range':
      return readRange(reader);
    case 'put': {
      const flags = readFlags(reader, 3);
      const key = reader.text('operation key');
      if (key === '') reader.fail('operation key is empty');
      const value = reader.bytes('operation value');
      const lease = reader.integer('operation lease');
      const [previous, ignoreValue, ignoreLease] = [1, 2, 4].map((bit) => (flags & bit) !== 0);
      return { type, key, value, lease, previous, ignoreValue, ignoreLease };
    }
    case 'deleteRange': {
      const flags = readFlags(reader, 2);
      const key = reader.text('operation key');
      const previous = (flags & 2) !== 0;
      return flags & 1 ? { type, key, end: reader.text('operation end'), previous } : { type, key, previous };
    }
  }
}

function readRange(reader: ByteReader): EtcdRange {
  const flags = readFlags(reader, 5);
  const bounded = readFlags(reader, bounds.length);
  const key = reader.text('operation key');
  const end = flags & 1 ? { end: reader.text('operation end') } : {};
  const limit = reader.integer('limit');
  const revision = reader.integer('revision');
  const sort = flags & 2 ? { sort: readSort(reader, (flags & 4) !== 0) } : {};
  const limits: Partial<Record<(typeof bounds)[number], number>> = {};
  for (const [bit, bound] of bounds.entries()) {
    if (bounded & (1 << bit)) limits[bound] = reader.integer(bound);
  }
  const keysOnly = (flags & 8) !== 0;
  const countOnly = (flags & 16) !== 0;
  return { type: 'range', key, ...end, limit, revision, ...sort, keysOnly, countOnly, ...limits };
}

function readSort(reader: ByteReader, descending: boolean): { target: SortTarget; descending: boolean } {
  const target = sortTargets[reader.byte('sort target')] ?? reader.fail('unknown sort target');
  return { target, descending };
}

/** Exact enough that the writer seldom grows and wastes little. */
export function estimateTxnBytes(txn: EtcdTxn): number {
  let total = 8;
  for (const { key, end, operand } of txn.compare) {
    total += key.length + (end?.length ?? 0) + 16 + (typeof operand === 'number' ? 0 : operand.length);
  }
  for (const operation of [...txn.success, ...txn.failure]) {
    if (operation.type === 'txn') total += estimateTxnBytes(operation);
    else total += operation.key.length + 48 + (operation.type === 'put' ? operation.value.length : 0);
  }
  return total;
}
