import {
  checkLedger,
  checkLinearizable,
  checkRevisionOrder,
  checkWatch,
  type LedgerEntry,
  type Operation,
  type WatchEvent,
  writtenRevision,
  writtenValue,
} from '#libs/history';
import type { EpochRecord } from './epoch.js';
import type { Service } from './recorder.js';
import type { Violation } from './violation.js';

/** When a round's fault was in force, on the clients' clock. */
export interface RoundWindow {
  readonly round: number;
  readonly fault: string;
  readonly from: number;
  readonly to: number;
}

export interface EpochVerdict {
  readonly operations: number;
  /** Writes that clients were told of, registers and ledgers. */
  readonly acknowledgedWrites: number;
  readonly unknownWrites: number;
  readonly watchEvents: number;
  readonly violations: readonly Violation[];
}

type Finding = Pick<Violation, 'kind' | 'text'> & { readonly at?: number };

/** Judges all that an epoch's clients saw. */
export function judge(record: EpochRecord, rounds: readonly RoundWindow[]): EpochVerdict {
  const findings: Finding[] = record.unexpected.map((text) => ({ kind: 'unexpected answer', text }));
  if (new Set(record.hashes).size > 1) {
    findings.push({ kind: 'replicas differ', text: `HashKV of the members: ${record.hashes.join(', ')}` });
  }
  const services: Service[] = ['etcd', 'kubernetes'];
  for (const service of services) findings.push(...judgeService(record, service));
  const histories = services.map((service) => record.histories[service]);
  const operations = histories.flatMap((history) => history.operations);
  const attempts = histories.flatMap((history) => history.attempts);
  const writes = operations.filter(({ kind }) => kind !== 'get');
  const count = (outcome: string): number =>
    [...writes, ...attempts].filter((each) => each.outcome === outcome).length;
  const streams = histories.flatMap((history) => history.streams);
  return {
    operations: operations.length + attempts.length,
    acknowledgedWrites: count('ok'),
    unknownWrites: count('unknown'),
    watchEvents: streams.reduce((sum, s) => sum + s.items.filter(({ kind }) => kind === 'event').length, 0),
    violations: firstOfEach(findings).map(({ kind, text, at }) => ({ kind, text, ...blame(rounds, at) })),
  };
}

/** One fault shows in many places: so many of each kind tell enough. */
const shownOfEach = 20;

function firstOfEach(findings: readonly Finding[]): Finding[] {
  const counts = new Map<string, number>();
  return findings.filter(({ kind }) => {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return count < shownOfEach;
  });
}

function judgeService(record: EpochRecord, service: Service): Finding[] {
  const { operations, streams } = record.histories[service];
  const linearizable = checkLinearizable(operations);
  const committed = operations.flatMap(committedEvent);
  // Every watcher was given the time to hear of every write that a client was told of.
  const completeTo = committed.reduce((last, { revision }) => Math.max(last, revision), 0);
  const complete = streams.map((stream) => ({ ...stream, completeTo }));
  return [
    ...linearizable.violations.map(({ story, window }): Finding => {
      return { kind: 'not linearizable', text: `${service}: ${story}`, at: window[0]?.invokedAt ?? 0 };
    }),
    ...linearizable.undecidedKeys.map((key): Finding => ({ kind: 'undecided', text: `${service}: ${key}` })),
    ...checkRevisionOrder(operations).map(({ fault, revision, earlier, later }): Finding => {
      const text = `${service}: ${fault} at ${revision}: ${JSON.stringify([earlier, later])}`;
      return { kind: 'revisions out of order', text, at: later.invokedAt };
    }),
    ...checkWatch(complete, { committed }).map(({ stream, fault, revision, detail }): Finding => {
      return { kind: 'watch', text: `${stream}: ${fault} at ${revision}: ${detail}` };
    }),
    ...judgeLedger(record, service),
  ];
}

function committedEvent(operation: Operation): WatchEvent[] {
  const revision = writtenRevision(operation);
  if (operation.outcome !== 'ok' || revision === undefined) return [];
  return [{ revision, key: operation.key, value: writtenValue(operation) }];
}

/** The numbered writes against what each watcher saw being created, and against what stands at the end. */
function judgeLedger(record: EpochRecord, service: Service): Finding[] {
  const { attempts, streams } = record.histories[service];
  const standing = [...record.remains[service].keys].flatMap((key) => entryOf(record, service, key));
  const witnesses = [
    { who: 'what stands at the end', found: standing },
    ...streams.map((stream) => {
      const seen = new Map<number, string>();
      for (const item of stream.items) if (item.kind === 'event') seen.set(item.revision, item.key);
      return { who: stream.name, found: [...seen.values()].flatMap((key) => entryOf(record, service, key)) };
    }),
  ];
  return witnesses.flatMap(({ who, found }) => {
    const report = checkLedger(attempts, found);
    const kinds = ['lost', 'doubled', 'phantom'] as const;
    return kinds.flatMap((kind) =>
      report[kind].map(({ writer, sequence }): Finding => {
        return { kind, text: `${service}: write ${sequence} of ${writer}, by ${who}` };
      }),
    );
  });
}

function entryOf({ prefix }: EpochRecord, service: Service, key: string): LedgerEntry[] {
  if (!key.startsWith(prefix)) return [];
  const rest = key.slice(prefix.length);
  const match = service === 'etcd' ? /^w\/(.+)\/(\d+)$/.exec(rest) : /^w-(.+)-(\d+)$/.exec(rest);
  return match === null ? [] : [{ writer: match[1]!, sequence: Number(match[2]) }];
}

/** The last fault that had begun when it happened; all of the epoch's where that is not known. */
function blame(rounds: readonly RoundWindow[], at: number | undefined): Pick<Violation, 'fault' | 'rounds'> {
  const last = at === undefined ? undefined : rounds.findLast(({ from }) => from <= at);
  const blamed = last === undefined ? rounds : [last];
  const first = blamed[0]?.round ?? 0;
  const end = blamed.at(-1)?.round ?? 0;
  return {
    fault: [...new Set(blamed.map(({ fault }) => fault))].join(', '),
    rounds: first === end ? String(first) : `${first}–${end}`,
  };
}
