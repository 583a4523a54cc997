import type { Outcome } from './operation.js';

/** One write of a writer that numbers its writes. */
export interface LedgerEntry {
  readonly writer: string;
  readonly sequence: number;
}

export interface Attempt extends LedgerEntry {
  readonly outcome: Outcome;
}

export interface LedgerReport {
  readonly attempts: number;
  readonly acknowledged: number;
  /** Answered, and not there. */
  readonly lost: readonly LedgerEntry[];
  /** There more than once. */
  readonly doubled: readonly LedgerEntry[];
  /** There, and never asked for or certainly refused. */
  readonly phantom: readonly LedgerEntry[];
}

/**
 * Compares what writers were told with what a store did.
 *
 * @param found every time that a write took effect, e.g. each creation that a complete watch told of
 */
export function checkLedger(attempts: Iterable<Attempt>, found: Iterable<LedgerEntry>): LedgerReport {
  const outcomes = new Map<string, Attempt>();
  for (const attempt of attempts) outcomes.set(nameOf(attempt), attempt);
  const counts = new Map<string, { readonly entry: LedgerEntry; times: number }>();
  for (const entry of found) {
    const count = counts.get(nameOf(entry));
    if (count === undefined) counts.set(nameOf(entry), { entry, times: 1 });
    else count.times++;
  }
  const acknowledged = [...outcomes.values()].filter(({ outcome }) => outcome === 'ok');
  const entries = [...counts.values()];
  const mayBe = (entry: LedgerEntry): boolean =>
    (outcomes.get(nameOf(entry))?.outcome ?? 'failed') !== 'failed';
  return {
    attempts: outcomes.size,
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((attempt) => !counts.has(nameOf(attempt))).map(entryOf),
    doubled: entries.filter(({ times }) => times > 1).map(({ entry }) => entryOf(entry)),
    phantom: entries.filter(({ entry }) => !mayBe(entry)).map(({ entry }) => entryOf(entry)),
  };
}

const nameOf = ({ writer, sequence }: LedgerEntry): string => `${writer}#${sequence}`;

const entryOf = ({ writer, sequence }: LedgerEntry): LedgerEntry => ({ writer, sequence });
