import { writtenRevision, writtenValue, type Get, type Operation } from './operation.js';
import type { KeyHistory } from './search.js';

/**
 * Splits a key's operations into those that took effect and those that may have. An unknown write whose value was
 * read has certainly happened, before that read returned and with its revision; one that nothing can tell from
 * never having happened is left out. What stays in doubt is what a search has to guess.
 */
export function splitOutcomes(operations: readonly Operation[]): KeyHistory {
  const writers = countWriters(operations);
  const reads = readsByValue(operations);
  const canGoUnseen = nothingElseSees(operations);
  const certain: Operation[] = [];
  const possible: Operation[] = [];
  for (const operation of operations) {
    if (operation.outcome === 'failed') continue;
    if (operation.outcome === 'ok') {
      certain.push(operation);
      continue;
    }
    if (operation.kind === 'get') continue;
    const value = writtenValue(operation);
    if (value === undefined || writers.get(value) !== 1) {
      possible.push(operation);
      continue;
    }
    const observed = reads.get(value);
    if (observed !== undefined) certain.push(happened(operation, observed));
    else if (!canGoUnseen) possible.push(operation);
  }
  const byInvocation = (a: Operation, b: Operation): number => a.invokedAt - b.invokedAt;
  return { certain: certain.sort(byInvocation), possible: possible.sort(byInvocation) };
}

function countWriters(operations: readonly Operation[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const operation of operations) {
    const value = writtenValue(operation);
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

function readsByValue(operations: readonly Operation[]): Map<string, Get[]> {
  const reads = new Map<string, Get[]>();
  for (const operation of operations) {
    if (operation.kind !== 'get' || operation.outcome !== 'ok') continue;
    const value = operation.result?.value;
    if (value === undefined) continue;
    const others = reads.get(value);
    if (others === undefined) reads.set(value, [operation]);
    else others.push(operation);
  }
  return reads;
}

function happened(operation: Operation, observed: readonly Get[]): Operation {
  const returnedAt = Math.min(...observed.map((read) => read.returnedAt ?? Infinity));
  const revision = observed.find((read) => read.result?.revision !== undefined)?.result?.revision;
  const told = revision === undefined ? {} : { revision };
  if (operation.kind === 'put') return { ...operation, returnedAt, result: told };
  if (operation.kind === 'compareAndPut') {
    return { ...operation, returnedAt, result: { applied: true, ...told } };
  }
  return operation;
}

/**
 * Whether an unknown write can be seen by reads alone: a refused comparison, a deletion that found something, or a
 * comparison with a revision that no one was told of may be traces of a write whose value nobody read.
 */
function nothingElseSees(operations: readonly Operation[]): boolean {
  const told = new Set<number>([0]);
  for (const operation of operations) {
    const revision = operation.kind === 'get' ? operation.result?.revision : writtenRevision(operation);
    if (revision !== undefined) told.add(revision);
  }
  return operations.every((operation) => {
    if (operation.kind === 'delete') return operation.result?.existed === false;
    if (operation.kind !== 'compareAndPut') return true;
    return operation.result?.applied !== false && told.has(operation.expectedRevision);
  });
}
