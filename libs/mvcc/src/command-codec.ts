import { alarmTypes } from './alarms.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { DecodeError } from './errors.js';
import { estimateTxnBytes, readTxn, writeTxn } from './etcd/txn-codec.js';
import { asRevision, stampWidthBytes } from './types.js';
import type { Command, CommandId, Compare, Operation } from './types.js';

// Version 1 of the format: version, type, id, then the fields of the type in the order of types.ts.
// The high bit of the type says that the command is for the etcd space. Lists carry their count, texts and values their length; an optional field is announced by a flag bit.
const formatVersion = 1;
const types = [
  'txn',
  'compact',
  'leaseGrant',
  'leaseRevoke',
  'leaseRenew',
  'etcdTxn',
  'alarm',
  'hashCheck',
  'hashReport',
] as const;
const alarmActions = ['raise', 'disarm'] as const;
const inEtcdSpace = 0x80;
const inBothSpaces: ReadonlySet<string> = new Set(['compact', 'leaseGrant', 'leaseRevoke', 'leaseRenew']);
const targets = ['modRevision', 'createRevision', 'version', 'lease', 'value'] as const;
const operators = ['=', '!=', '<', '>'] as const;
const operationTypes = ['put', 'delete', 'get'] as const;

/**
 * The bytes that travel through the log, in a buffer of their own.
 * Throws RangeError for a command that no decoder would take (a negative number, a slot outside its value).
 */
export function encodeCommand(command: Command): Uint8Array {
  const writer = new ByteWriter(estimateBytes(command));
  writer.byte(formatVersion);
  writer.byte(types.indexOf(command.type) | (namesEtcd(command) ? inEtcdSpace : 0));
  writer.integer(command.id.session);
  writer.integer(command.id.sequence);
  writer.integer(command.id.answeredBelow);
  switch (command.type) {
    case 'txn':
      writer.byte(command.fence === undefined ? 0 : 1);
      if (command.fence !== undefined) writer.integer(command.fence);
      writer.integer(command.compare.length);
      for (const compare of command.compare) writeCompare(writer, compare);
      writer.integer(command.success.length);
      for (const operation of command.success) writeOperation(writer, operation);
      writer.integer(command.failure.length);
      for (const operation of command.failure) writeOperation(writer, operation);
      break;
    case 'etcdTxn':
      writeTxn(writer, command.txn);
      break;
    case 'compact':
      writer.integer(command.revision);
      break;
    case 'leaseGrant':
      writer.integer(command.lease);
      writer.integer(command.ttlSeconds);
      break;
    case 'leaseRevoke':
      writer.byte(command.ifRenewal === undefined ? 0 : 1);
      writer.integer(command.lease);
      if (command.ifRenewal !== undefined) writer.integer(command.ifRenewal);
      break;
    case 'leaseRenew':
      writer.integer(command.lease);
      break;
    case 'alarm':
      writer.byte(alarmActions.indexOf(command.action));
      writer.byte(alarmTypes.indexOf(command.alarm));
      writer.integer(command.member);
      break;
    case 'hashCheck':
      writer.integer(command.voters.length);
      for (const voter of command.voters) writer.integer(voter);
      break;
    case 'hashReport':
      writer.integer(command.check);
      writer.integer(command.member);
      writer.integer(command.hash);
      break;
  }
  return writer.finish();
}

/**
 * The command that `encodeCommand` wrote. Values are views of `bytes`: valid as long as it is.
 * Throws DecodeError, naming what is wrong and where, for anything else.
 */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes);
  const version = reader.byte('format version');
  if (version !== formatVersion) reader.fail(`unknown format version ${version}`);
  const code = reader.byte('command type');
  const type = types[code & ~inEtcdSpace] ?? reader.fail('unknown command type');
  const id: CommandId = {
    session: reader.integer('session'),
    sequence: reader.integer('sequence'),
    answeredBelow: reader.integer('answeredBelow'),
  };
  const command = readBody(reader, type, id);
  if (reader.remainingBytes > 0) reader.fail(`${reader.remainingBytes} bytes too many`);
  if ((code & inEtcdSpace) === 0) return command;
  if (!inBothSpaces.has(type)) reader.fail(`${type} has one space only`);
  return { ...command, space: 'etcd' } as Command;
}

function readBody(reader: ByteReader, type: Command['type'], id: CommandId): Command {
  switch (type) {
    case 'txn': {
      const fence = readFlag(reader, 'fence flag') ? reader.integer('fence') : undefined;
      const compare = readList(reader, 'compare', readCompare);
      const success = readList(reader, 'success operation', readOperation);
      const failure = readList(reader, 'failure operation', readOperation);
      return fence === undefined
        ? { type, id, compare, success, failure }
        : { type, id, fence, compare, success, failure };
    }
    case 'etcdTxn':
      return { type, id, txn: readTxn(reader) };
    case 'compact':
      return { type, id, revision: asRevision(reader.integer('revision')) };
    case 'leaseGrant': {
      const lease = readLease(reader);
      const ttlSeconds = reader.integer('ttlSeconds');
      if (ttlSeconds === 0) reader.fail('ttlSeconds is 0');
      return { type, id, lease, ttlSeconds };
    }
    case 'leaseRevoke': {
      const conditional = readFlag(reader, 'ifRenewal flag');
      const lease = readLease(reader);
      return conditional ? { type, id, lease, ifRenewal: reader.integer('ifRenewal') } : { type, id, lease };
    }
    case 'leaseRenew':
      return { type, id, lease: readLease(reader) };
    case 'alarm': {
      const action = alarmActions[reader.byte('alarm action')] ?? reader.fail('unknown alarm action');
      const alarm = alarmTypes[reader.byte('alarm type')] ?? reader.fail('unknown alarm type');
      const member = reader.integer('alarm member');
      return { type, id, action, alarm, member };
    }
    case 'hashCheck':
      return { type, id, voters: readList(reader, 'voter', () => reader.integer('voter')) };
    case 'hashReport': {
      const check = reader.integer('index of the hash check');
      const member = reader.integer('member');
      return { type, id, check, member, hash: reader.integer('hash') };
    }
  }
}

function namesEtcd(command: Command): boolean {
  return 'space' in command && command.space === 'etcd';
}

function readLease(reader: ByteReader): number {
  const lease = reader.integer('lease');
  if (lease === 0) reader.fail('lease is 0');
  return lease;
}

function readFlag(reader: ByteReader, field: string): boolean {
  const flag = reader.byte(field);
  if (flag > 1) reader.fail(`${field} is ${flag}`);
  return flag === 1;
}

function readList<T>(reader: ByteReader, field: string, readItem: (reader: ByteReader) => T): T[] {
  const count = reader.count(`${field} count`);
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(readItem(reader));
  return items;
}

function writeCompare(writer: ByteWriter, compare: Compare): void {
  writer.byte(targets.indexOf(compare.target) * operators.length + operators.indexOf(compare.operator));
  writer.text(compare.key);
  if ((compare.target === 'value') !== (typeof compare.operand !== 'number')) {
    throw new RangeError(`a compare of ${compare.target} cannot have this operand`);
  }
  if (typeof compare.operand === 'number') writer.integer(compare.operand);
  else writer.bytes(compare.operand);
}

function readCompare(reader: ByteReader): Compare {
  const code = reader.byte('compare kind');
  const target = targets[Math.floor(code / operators.length)];
  const operator = operators[code % operators.length];
  if (target === undefined || operator === undefined) reader.fail(`unknown compare kind ${code}`);
  const key = readKey(reader, 'compare key');
  const operand = target === 'value' ? reader.bytes('compare operand') : reader.integer('compare operand');
  return { key, target, operator, operand };
}

function readKey(reader: ByteReader, field: string): string {
  const key = reader.text(field);
  if (key === '') reader.fail(`${field} is empty`);
  return key;
}

// The operation's type in the low two bits, then one flag bit for each optional field.
const hasFirst = 4;
const hasSecond = 8;

function writeOperation(writer: ByteWriter, operation: Operation): void {
  const type = operationTypes.indexOf(operation.type);
  switch (operation.type) {
    case 'put': {
      const { lease, stampOffset } = operation;
      if (operation.key === '') throw new RangeError('a key must not be empty');
      if (stampOffset !== undefined && stampOffset + stampWidthBytes > operation.value.length) {
        throw new RangeError(slotOutside(stampOffset, operation.value.length));
      }
      writer.byte(type | (lease ? hasFirst : 0) | (stampOffset === undefined ? 0 : hasSecond));
      writer.text(operation.key);
      writer.bytes(operation.value);
      if (lease) writer.integer(lease);
      if (stampOffset !== undefined) writer.integer(stampOffset);
      break;
    }
    case 'delete':
    case 'get': {
      const limit = operation.type === 'get' ? operation.limit : undefined;
      writer.byte(type | (operation.end === undefined ? 0 : hasFirst) | (limit ? hasSecond : 0));
      writer.text(operation.key);
      if (operation.end !== undefined) writer.text(operation.end);
      if (limit) writer.integer(limit);
      break;
    }
  }
}

function readOperation(reader: ByteReader): Operation {
  const head = reader.byte('operation type');
  const type = operationTypes[head & 3];
  if (type === undefined || head > (type === 'delete' ? 7 : 15))
    reader.fail(`unknown operation type ${head}`);
  const first = (head & hasFirst) !== 0;
  const second = (head & hasSecond) !== 0;
  if (type !== 'put') {
    const key = reader.text('operation key');
    const end = first ? reader.text('operation end') : undefined;
    const limit = second ? reader.integer('operation limit') : undefined;
    const base = end === undefined ? { type, key } : { type, key, end };
    return limit === undefined ? base : { ...base, type: 'get', limit };
  }
  const key = readKey(reader, 'operation key');
  const value = reader.bytes('operation value');
  const lease = first ? reader.integer('operation lease') : undefined;
  const stampOffset = second ? reader.integer('stampOffset') : undefined;
  if (stampOffset !== undefined && stampOffset + stampWidthBytes > value.length) {
    throw new DecodeError(slotOutside(stampOffset, value.length));
  }
  return { type, key, value, lease, stampOffset };
}

function slotOutside(stampOffset: number, valueBytes: number): string {
  return `stampOffset ${stampOffset} and its ${stampWidthBytes} bytes exceed the value's ${valueBytes}`;
}

/** Exact enough that the writer seldom grows and wastes little. */
function estimateBytes(command: Command): number {
  if (command.type === 'etcdTxn') return 48 + estimateTxnBytes(command.txn);
  if (command.type !== 'txn') return 48;
  let total = 48;
  for (const compare of command.compare) {
    total += compare.key.length + 12 + (typeof compare.operand === 'number' ? 0 : compare.operand.length);
  }
  for (const operations of [command.success, command.failure]) {
    for (const operation of operations) {
      total += operation.key.length + 24;
      total += operation.type === 'put' ? operation.value.length : (operation.end?.length ?? 0);
    }
  }
  return total;
}
