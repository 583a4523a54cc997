import type { ByteReader, ByteWriter } from './bytes.js';
import { asRevision } from './types.js';
import type { CommandId, CommandResult } from './types.js';

export const maxSessions = 64;
/** A client that never says what has been answered loses its oldest results at this many. */
export const maxResultsPerSession = 8192;
export const maxEvictedSessions = 4096;

const refusals = [
  undefined,
  'fenced',
  'sessionExpired',
  'compacted',
  'futureRevision',
  'leaseNotFound',
  'leaseExists',
  'leaseRenewed',
  'duplicateKey',
  'keyNotFound',
  'noSpace',
] as const satisfies readonly CommandResult['refused'][];

const noResults: readonly never[] = [];

interface Session {
  readonly results: Map<number, CommandResult>;
  answeredBelow: number;
  /** Log index of the last command: decides whom to evict. */
  lastIndex: number;
}

/**
 * Exactly-once application (Raft dissertation §6.3). The results of each session are remembered until it
 * says that they have been answered; a command that comes again gets the result of the first time.
 *
 * An unknown session begins with its first command, whatever the number of that: earlier ones may be lost or
 * overtaken. So a session that was evicted must not look unknown, or a late repetition would be applied
 * twice: the ids of the last 4,096 evicted sessions are kept, and their commands refused with `sessionExpired`.
 * A session is one process's lifetime; the guarantee ends where 4,096 further sessions are evicted
 * between a command and its repetition. The process goes on under a new session id; it may repeat
 * there the command that was refused if it had sent that only once, and must else report its outcome as unknown.
 */
export class Sessions {
  private readonly sessions = new Map<number, Session>();
  /** Oldest first. */
  private readonly evicted = new Set<number>();

  /**
   * What is to be answered without applying, or undefined when the command is new.
   * Then, and only then, `remember` must follow.
   */
  recall(id: CommandId): CommandResult | 'expired' | undefined {
    const session = this.sessions.get(id.session);
    if (session === undefined) return this.evicted.has(id.session) ? 'expired' : undefined;
    const known = session.results.get(id.sequence);
    if (known !== undefined) return known;
    // Answered and forgotten, or given up by its client: either way nobody waits for it and it must not be applied now.
    return id.sequence < session.answeredBelow ? 'expired' : undefined;
  }

  remember(id: CommandId, index: number, result: CommandResult): void {
    let session = this.sessions.get(id.session);
    if (session === undefined) {
      if (this.sessions.size >= maxSessions) this.evictOne();
      session = { results: new Map(), answeredBelow: 0, lastIndex: index };
      this.sessions.set(id.session, session);
    }
    session.lastIndex = index;
    session.results.set(id.sequence, withoutResults(result));
    this.touch(id, session);
  }

  /** A repetition, too, says what has been answered meanwhile. */
  acknowledge(id: CommandId, index: number): void {
    const session = this.sessions.get(id.session);
    if (session === undefined) return;
    session.lastIndex = index;
    this.touch(id, session);
  }

  private touch(id: CommandId, session: Session): void {
    if (id.answeredBelow > session.answeredBelow) forget(session, id.answeredBelow);
    if (session.results.size > maxResultsPerSession) {
      const oldest = [...session.results.keys()].sort((a, b) => a - b)[maxResultsPerSession >> 1]!;
      forget(session, oldest);
    }
  }

  private evictOne(): void {
    let victim = -1;
    let oldestIndex = Number.POSITIVE_INFINITY;
    for (const [id, session] of this.sessions) {
      if (session.lastIndex >= oldestIndex) continue;
      oldestIndex = session.lastIndex;
      victim = id;
    }
    this.sessions.delete(victim);
    this.evicted.add(victim);
    if (this.evicted.size <= maxEvictedSessions) return;
    for (const first of this.evicted) {
      this.evicted.delete(first);
      break;
    }
  }

  write(writer: ByteWriter): void {
    writer.integer(this.sessions.size);
    for (const [id, session] of [...this.sessions].sort((a, b) => a[0] - b[0])) {
      writer.integer(id);
      writer.integer(session.answeredBelow);
      writer.integer(session.lastIndex);
      writer.integer(session.results.size);
      for (const [sequence, result] of [...session.results].sort((a, b) => a[0] - b[0])) {
        writer.integer(sequence);
        writer.integer(result.revision);
        writer.byte(refusalCode(result.refused) * 2 + (result.succeeded ? 1 : 0));
      }
    }
    writer.integer(this.evicted.size);
    for (const id of this.evicted) writer.integer(id);
  }

  static read(reader: ByteReader): Sessions {
    const made = new Sessions();
    for (let count = reader.count('session count'); count > 0; count--) {
      const id = reader.integer('session');
      const answeredBelow = reader.integer('answeredBelow');
      const lastIndex = reader.integer('session index');
      const results = new Map<number, CommandResult>();
      for (let left = reader.count('result count'); left > 0; left--) {
        const sequence = reader.integer('sequence');
        results.set(sequence, readResult(reader));
      }
      made.sessions.set(id, { results, answeredBelow, lastIndex });
    }
    for (let count = reader.count('evicted count'); count > 0; count--) {
      made.evicted.add(reader.integer('evicted session'));
    }
    return made;
  }
}

/** A number for each refusal, 0 for none: stable, as snapshots and hashes hold it. */
export function refusalCode(refused: CommandResult['refused']): number {
  return refusals.indexOf(refused);
}

function readResult(reader: ByteReader): CommandResult {
  const revision = asRevision(reader.integer('result revision'));
  const code = reader.byte('result code');
  const refused = refusals[code >> 1];
  if (code >= refusals.length * 2) reader.fail(`unknown result code ${code}`);
  return { revision, succeeded: code % 2 === 1, refused, results: noResults, repeated: true };
}

function withoutResults(result: CommandResult): CommandResult {
  const { revision, succeeded, refused } = result;
  return { revision, succeeded, refused, results: noResults, repeated: true };
}

function forget(session: Session, answeredBelow: number): void {
  // Usually one or a few sequences; after a jump, whatever is held is less.
  if (answeredBelow - session.answeredBelow <= session.results.size) {
    for (let s = session.answeredBelow; s < answeredBelow; s++) session.results.delete(s);
  } else {
    for (const sequence of session.results.keys()) {
      if (sequence < answeredBelow) session.results.delete(sequence);
    }
  }
  session.answeredBelow = answeredBelow;
}
