import type { Operation } from './operation.js';
import { emptyRegister } from './register.js';
import { search, type Verdict } from './search.js';
import { explain, type Violation } from './story.js';
import { splitOutcomes } from './unknown-outcomes.js';

export interface LinearizabilityOptions {
  /** Model transitions to try a key before giving up on it; bounds time and memory. Default 2,000,000. */
  readonly budget?: number;
}

export interface LinearizabilityReport {
  /** `undecided`: no violation was found, but the search of a key ended with its budget. */
  readonly verdict: Verdict;
  readonly operations: number;
  readonly keys: number;
  readonly steps: number;
  readonly violations: readonly Violation[];
  readonly undecidedKeys: readonly string[];
}

const defaultBudget = 2_000_000;

/**
 * Whether a client history is linearizable: whether, key by key (the property is compositional: Herlihy and Wing 1990,
 * §3.3), the operations can be put in one order that a register obeys, each between its invocation and
 * its return. Keys start absent.
 */
export function checkLinearizable(
  history: readonly Operation[],
  options: LinearizabilityOptions = {},
): LinearizabilityReport {
  const budget = options.budget ?? defaultBudget;
  const violations: Violation[] = [];
  const undecidedKeys: string[] = [];
  let steps = 0;
  const byKey = groupByKey(history);
  for (const [key, operations] of byKey) {
    const split = splitOutcomes(operations);
    const result = search(split, emptyRegister, budget);
    steps += result.steps;
    if (result.verdict === 'undecided') undecidedKeys.push(key);
    if (result.verdict === 'violation') violations.push(explain(key, split, budget));
  }
  const undecided = undecidedKeys.length > 0 ? 'undecided' : 'linearizable';
  return {
    verdict: violations.length > 0 ? 'violation' : undecided,
    operations: history.length,
    keys: byKey.size,
    steps,
    violations,
    undecidedKeys,
  };
}

function groupByKey(history: readonly Operation[]): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of history) {
    const group = groups.get(operation.key);
    if (group === undefined) groups.set(operation.key, [operation]);
    else group.push(operation);
  }
  return groups;
}
