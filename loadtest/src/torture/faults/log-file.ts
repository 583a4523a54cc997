import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Master } from '../cluster/master.js';

/** One durable unit of a master's log, as libs/consensus writes it (encodeRecord), read from outside. */
export interface LogRecord {
  /** Offsets in its file. */
  readonly start: number;
  readonly end: number;
  /** `term/index` of each entry. */
  readonly entries: readonly string[];
  /** `term/vote` of each hard state. */
  readonly votes: readonly string[];
  /** It holds something else, too. */
  readonly other: boolean;
}

export interface LogFile {
  readonly path: string;
  readonly records: readonly LogRecord[];
  /** Where the next record would go. */
  readonly end: number;
}

const segmentHeaderBytes = 32;
const recordHeaderBytes = 32;
const itemHeaderBytes = 5;

/** Every file of a master's log, oldest first. The master may be at work on the last one. */
export function readLog(master: Master): readonly LogFile[] {
  const folder = join(master.dataDir, 'wal');
  const names = readdirSync(folder).filter((file) => file.endsWith('.wal'));
  return names.sort().map((name) => readLogFile(join(folder, name)));
}

function readLogFile(path: string): LogFile {
  const bytes = readFileSync(path);
  const records: LogRecord[] = [];
  let at = segmentHeaderBytes;
  while (bytes.toString('latin1', at, at + 4) === 'TRIW') {
    const payload = at + recordHeaderBytes;
    const payloadEnd = payload + bytes.readUInt32LE(at + 16);
    const end = Math.ceil(payloadEnd / 8) * 8;
    if (end > bytes.length) break;
    records.push({ start: at, end, ...readItems(bytes.subarray(payload, payloadEnd)) });
    at = end;
  }
  return { path, records, end: at };
}

function readItems(payload: Buffer): Pick<LogRecord, 'entries' | 'votes' | 'other'> {
  const entries: string[] = [];
  const votes: string[] = [];
  let other = false;
  for (let at = 0; at + itemHeaderBytes <= payload.length;) {
    const body = at + itemHeaderBytes;
    const type = payload.readUInt8(at + 4);
    const end = body + payload.readUInt32LE(at);
    if (end > payload.length || (type !== 1 && type !== 2)) other = true;
    else {
      const pair = `${payload.readBigUInt64LE(body)}/${payload.readBigUInt64LE(body + 8)}`;
      (type === 1 ? entries : votes).push(pair);
    }
    at = end;
  }
  return { entries, votes, other };
}

/**
 * The last record of a dead master's log, if it may be lost: none of its entries reached another master, so none can have been
 * committed, and it holds no vote that the records before it do not.
 */
export function expendableRecord(file: LogFile, others: readonly Master[]): LogRecord | undefined {
  const last = file.records.at(-1);
  if (last === undefined || last.other || last.entries.length === 0) return undefined;
  const voted = file.records
    .slice(0, -1)
    .flatMap(({ votes }) => votes)
    .at(-1);
  if (last.votes.some((vote) => vote !== voted)) return undefined;
  const known = new Set(
    others.flatMap((master) =>
      readLog(master).flatMap(({ records }) => records.flatMap(({ entries }) => entries)),
    ),
  );
  return last.entries.some((entry) => known.has(entry)) ? undefined : last;
}

export function writeAt(path: string, bytes: Buffer, at: number): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, at);
  } finally {
    closeSync(file);
  }
}
