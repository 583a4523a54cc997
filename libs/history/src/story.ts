import type { Operation } from './operation.js';
import { anyRegister, emptyRegister, type Register } from './register.js';
import { search, type KeyHistory } from './search.js';

/** A part of one key's history that no order explains by itself. */
export interface Violation {
  readonly key: string;
  /** As few operations as were found to be enough, in order of invocation. */
  readonly window: readonly Operation[];
  /** The window for people: one operation a line. */
  readonly story: string;
}

/**
 * Cuts a history that is not linearizable down to a window that is not either: first its end, then its beginning
 * (from there on nothing is known of the register), then every read that is not needed.
 */
export function explain(key: string, history: KeyHistory, budget: number): Violation {
  const fails = (part: KeyHistory, initial: Register): boolean =>
    search(part, initial, budget).verdict === 'violation';
  const ends = history.certain.map((o) => o.returnedAt ?? Infinity).sort((a, b) => a - b);
  const end =
    ends[firstIndex(ends.length, (i) => fails(until(history, ends[i]!), emptyRegister))] ?? Infinity;
  let part = until(history, end);
  let initial = emptyRegister;
  const starts = [...new Set(part.certain.map((o) => o.invokedAt))].sort((a, b) => b - a);
  const start = starts[firstIndex(starts.length, (i) => fails(from(part, starts[i]!), anyRegister))];
  if (start !== undefined) {
    part = from(part, start);
    initial = anyRegister;
  }
  part = withoutSpareReads(part, (smaller) => fails(smaller, initial));
  const window = [...part.certain, ...part.possible].sort((a, b) => a.invokedAt - b.invokedAt);
  return { key, window, story: tell(key, window, initial) };
}

/** The first index for which `holds`, given that it holds for all after it; `length` where it holds for none. */
function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const isWrite = (operation: Operation): boolean => operation.kind !== 'get';

/** What is known at a time: writes that have not returned by then may have happened, reads tell nothing yet. */
function until(history: KeyHistory, end: number): KeyHistory {
  const invoked = history.certain.filter((o) => o.invokedAt <= end);
  const returned = (o: Operation): boolean => (o.returnedAt ?? Infinity) <= end;
  return {
    certain: invoked.filter(returned),
    possible: byInvocation([
      ...history.possible.filter((o) => o.invokedAt <= end),
      ...invoked.filter((o) => !returned(o) && isWrite(o)),
    ]),
  };
}

/** What began at a time or later; an earlier write that returned later may have its effect before or after it. */
function from(history: KeyHistory, start: number): KeyHistory {
  const overlaps = (o: Operation): boolean => o.invokedAt < start && (o.returnedAt ?? Infinity) >= start;
  return {
    certain: history.certain.filter((o) => o.invokedAt >= start),
    possible: byInvocation([
      ...history.possible,
      ...history.certain.filter((o) => overlaps(o) && isWrite(o)),
    ]),
  };
}

function byInvocation(operations: Operation[]): Operation[] {
  return operations.sort((a, b) => a.invokedAt - b.invokedAt);
}

const readsToTry = 200;

function withoutSpareReads(history: KeyHistory, fails: (part: KeyHistory) => boolean): KeyHistory {
  let part = history;
  for (const read of history.certain.filter((o) => !isWrite(o)).slice(0, readsToTry)) {
    const smaller = { ...part, certain: part.certain.filter((o) => o !== read) };
    if (fails(smaller)) part = smaller;
  }
  return part;
}

function tell(key: string, window: readonly Operation[], initial: Register): string {
  const begin = window[0]?.invokedAt ?? 0;
  const known = initial === emptyRegister ? 'there was no such key' : 'whatever it held before';
  const lines = window.map((operation) => {
    const invoked = (operation.invokedAt - begin).toFixed(1).padStart(9);
    const { returnedAt } = operation;
    const returned = returnedAt === undefined ? '?' : (returnedAt - begin).toFixed(1);
    return `${invoked} – ${returned.padEnd(9)} ${operation.client}: ${asked(operation)} → ${answered(operation)}`;
  });
  return [`key ${key}: no order in real time explains these answers (ms; ${known})`, ...lines].join('\n');
}

function asked(operation: Operation): string {
  switch (operation.kind) {
    case 'put':
      return `put ${shown(operation.value)}`;
    case 'compareAndPut':
      return `put ${shown(operation.value)} if at revision ${operation.expectedRevision}`;
    default:
      return operation.kind;
  }
}

function answered(operation: Operation): string {
  if (operation.outcome === 'unknown') return 'no answer: may have happened';
  const { result } = operation;
  if (result === undefined) return operation.outcome;
  const revision = result.revision === undefined ? '' : ` (revision ${result.revision})`;
  if ('value' in result) return `${shown(result.value)}${revision}`;
  if ('existed' in result) return `${result.existed ? 'deleted' : 'nothing to delete'}${revision}`;
  if ('applied' in result) return `${result.applied ? 'written' : 'refused'}${revision}`;
  return `written${revision}`;
}

function shown(value: string | undefined): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
