import {
  checkLedger,
  checkLinearizable,
  checkRevisionOrder,
  checkWatch,
  type LedgerEntry,
  type WatchEvent,
  writtenRevision,
  writtenValue,
} from '#libs/history';
import type { Observations } from './observers.js';

export interface Judgement {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly lost: number;
  readonly doubled: number;
  readonly phantom: number;
  readonly watchFaults: number;
  readonly operations: number;
  readonly linearizable: 'yes' | 'no' | 'undecided';
  /** The first of each kind in words, for a person. */
  readonly stories: readonly string[];
}

const shownFaults = 5;

/**
 * Judges the whole history of a target: numbered writes against what stands at the end and against what each watcher
 * saw being made, the watches by what watches promise, the registers by linearizability.
 *
 * @param standing keys that stand at the end
 */
export function judge(seen: Observations, prefix: string, standing: readonly string[]): Judgement {
  const entryOf = (key: string): LedgerEntry[] => {
    const match = /^(w\d+)-(\d+)$/.exec(key.slice(prefix.length));
    return match?.[1] === undefined ? [] : [{ writer: match[1], sequence: Number(match[2]) }];
  };
  const made = (stream: Observations['streams'][number]): LedgerEntry[] => {
    // What a watch gave twice, it gave twice: that is its own fault. Another revision is another write.
    const events = stream.items.filter((item) => item.kind === 'event');
    return [
      ...new Map(events.map((event) => [`${event.revision} ${event.key}`, event.key])).values(),
    ].flatMap(entryOf);
  };
  const ledgers = [standing.flatMap(entryOf), ...seen.streams.map(made)].map((found) =>
    checkLedger(seen.attempts, found),
  );
  const worst = (of: 'lost' | 'doubled' | 'phantom'): readonly LedgerEntry[] =>
    ledgers.map((ledger) => ledger[of]).sort((a, b) => b.length - a.length)[0] ?? [];
  const committed = seen.operations.flatMap((operation): WatchEvent[] => {
    const revision = writtenRevision(operation);
    if (operation.outcome !== 'ok' || revision === undefined) return [];
    return [{ revision, key: operation.key, value: writtenValue(operation) }];
  });
  const completeTo = committed.reduce((last, { revision }) => Math.max(last, revision), 0);
  const watchFaults = checkWatch(
    seen.streams.map((stream) => ({ ...stream, completeTo })),
    { committed },
  );
  const { verdict, violations, undecidedKeys } = checkLinearizable(seen.operations);
  // Of a read the Kubernetes API tells the key's revision, not the store's: it says nothing of the order of other keys.
  const disorder = checkRevisionOrder(seen.operations.filter(({ kind }) => kind !== 'get'));
  const acknowledged = seen.operations.filter(
    ({ kind, outcome }) => kind === 'put' && outcome === 'ok',
  ).length;
  const unknown = seen.operations.filter(
    ({ kind, outcome }) => kind === 'put' && outcome === 'unknown',
  ).length;
  const attempts = (outcome: string): number =>
    seen.attempts.filter((attempt) => attempt.outcome === outcome).length;
  return {
    acknowledged: acknowledged + attempts('ok'),
    unknown: unknown + attempts('unknown'),
    lost: worst('lost').length,
    doubled: worst('doubled').length,
    phantom: worst('phantom').length,
    watchFaults: watchFaults.length + seen.unexpected.length,
    operations: seen.operations.length,
    linearizable:
      verdict === 'violation' || disorder.length > 0 ? 'no' : verdict === 'undecided' ? 'undecided' : 'yes',
    stories: [
      ...(['lost', 'doubled', 'phantom'] as const).flatMap((kind) =>
        worst(kind)
          .slice(0, shownFaults)
          .map(({ writer, sequence }) => `${kind}: write ${sequence} of ${writer}`),
      ),
      ...watchFaults
        .slice(0, shownFaults)
        .map(({ stream, fault, revision, detail }) => `${stream}: ${fault} at ${revision}: ${detail}`),
      ...seen.unexpected.slice(0, shownFaults),
      ...violations.map(({ story }) => story),
      ...disorder
        .slice(0, shownFaults)
        .map(({ fault, revision }) => `revisions out of order: ${fault} at ${revision}`),
      ...undecidedKeys.map((key) => `undecided within the budget: ${key}`),
    ],
  };
}
