import { writtenRevision, type Operation } from './operation.js';

/** Two answers of a store whose revisions contradict real time or each other. */
export interface RevisionFault {
  readonly fault: 'wentBack' | 'usedTwice';
  readonly revision: number;
  readonly earlier: Operation;
  readonly later: Operation;
}

/**
 * Checks over all keys at once what revisions promise: whoever asks after an answer sees a store at least as new, a
 * later write gets a higher revision than any before it, and no two writes share one. Each operation is one transaction.
 */
export function checkRevisionOrder(history: readonly Operation[]): RevisionFault[] {
  const answered = history.filter((o) => o.outcome === 'ok');
  const returns = answered.filter((o) => o.returnedAt !== undefined && leastRevision(o) !== undefined);
  returns.sort((a, b) => a.returnedAt! - b.returnedAt!);
  const invocations = answered.filter((o) => storeRevision(o) !== undefined);
  invocations.sort((a, b) => a.invokedAt - b.invokedAt);
  const faults: RevisionFault[] = [];
  const writers = new Map<number, Operation>();
  let newest: Operation | undefined;
  let next = 0;
  for (const later of invocations) {
    for (; next < returns.length && returns[next]!.returnedAt! < later.invokedAt; next++) {
      const returned = returns[next]!;
      if (newest === undefined || leastRevision(returned)! > leastRevision(newest)!) newest = returned;
    }
    const revision = storeRevision(later)!;
    const written = writtenRevision(later);
    const lowest = newest === undefined ? 0 : leastRevision(newest)! + (written === undefined ? 0 : 1);
    if (newest !== undefined && revision < lowest) {
      faults.push({ fault: 'wentBack', revision, earlier: newest, later });
    }
    if (written === undefined) continue;
    const earlier = writers.get(written);
    if (earlier === undefined) writers.set(written, later);
    else faults.push({ fault: 'usedTwice', revision: written, earlier, later });
  }
  return faults;
}

/** The revision of the store that answered, where it was told. */
function storeRevision(operation: Operation): number | undefined {
  return operation.kind === 'get' ? operation.result?.storeRevision : writtenRevision(operation);
}

/** What the store's revision had reached by the answer: a key's own revision shows that much. */
function leastRevision(operation: Operation): number | undefined {
  if (operation.kind !== 'get') return writtenRevision(operation);
  return operation.result?.storeRevision ?? operation.result?.revision;
}
