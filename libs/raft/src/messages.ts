import {
  asLogIndex,
  asTerm,
  type Entry,
  type MemberId,
  type Message,
  type MessageType,
  type SnapshotMetadata,
  type Term,
} from './types.js';

const noEntries: readonly Entry[] = [];

/** What a message may carry beside its type, its ends and its term; absent fields hold their zero value. */
export interface MessageFields {
  readonly logIndex?: number;
  readonly logTerm?: number;
  readonly commit?: number;
  readonly entries?: readonly Entry[];
  readonly reject?: boolean;
  readonly rejectHint?: number;
  readonly context?: number;
  readonly snapshot?: SnapshotMetadata;
  readonly transfer?: boolean;
}

/** All messages have the same fields in the same order, so that engines keep one hidden class for them. */
export function makeMessage(
  type: MessageType,
  from: MemberId,
  to: MemberId,
  term: Term,
  fields: MessageFields,
): Message {
  return {
    type,
    from,
    to,
    term,
    logIndex: asLogIndex(fields.logIndex ?? 0),
    logTerm: asTerm(fields.logTerm ?? 0),
    commit: asLogIndex(fields.commit ?? 0),
    entries: fields.entries ?? noEntries,
    reject: fields.reject ?? false,
    rejectHint: asLogIndex(fields.rejectHint ?? 0),
    context: fields.context ?? 0,
    snapshot: fields.snapshot,
    transfer: fields.transfer ?? false,
  };
}

/** Messages that only the leader of their term sends. */
export function isFromLeader(type: MessageType): boolean {
  return type === 'appendEntries' || type === 'heartbeat' || type === 'installSnapshot';
}

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

/** What arithmetic relies on. A NaN or a negative index would pass through comparisons unnoticed. */
export function isWellFormed(m: Message): boolean {
  return (
    isCount(m.from) &&
    m.from > 0 &&
    isCount(m.term) &&
    isCount(m.logIndex) &&
    isCount(m.logTerm) &&
    isCount(m.commit) &&
    isCount(m.rejectHint) &&
    isCount(m.context)
  );
}
