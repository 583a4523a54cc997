import { writtenRevision, writtenValue, type Operation } from './operation.js';
import { anyValue, step, type Register } from './register.js';

export type Verdict = 'linearizable' | 'violation' | 'undecided';

/** One key's operations: those that took effect, in order of invocation, and those that may have, likewise. */
export interface KeyHistory {
  readonly certain: readonly Operation[];
  readonly possible: readonly Operation[];
}

export interface SearchResult {
  readonly verdict: Verdict;
  /** Model transitions that were tried. */
  readonly steps: number;
}

/** A point of the search: which operations are ordered already, and what the register then holds. */
interface Point {
  readonly register: Register;
  /** The first certain operation that is not ordered yet. */
  readonly frontier: number;
  /** Certain operations beyond the frontier that are ordered; few, as all of them overlap it. */
  readonly beyond: readonly number[];
  /** Possible operations that were taken as having happened. */
  readonly taken: readonly number[];
  /** The last operation was a possible one. */
  readonly supposed: boolean;
}

interface Frame {
  readonly point: Point;
  readonly certain: readonly number[];
  /** Found only once no certain operation led on. */
  possible: readonly number[] | undefined;
  /** Nothing that was invoked later can be next. */
  readonly deadline: number;
  next: number;
}

/**
 * Looks for an order of one key's operations that respects real time and that the register allows (Wing and Gong, with
 * Lowe's memory of points that were seen). Operations that may have happened are tried last and never demanded.
 * Never takes more than `budget` steps.
 */
export function search(history: KeyHistory, initial: Register, budget: number): SearchResult {
  const effects = effectsOf(history);
  const memory = new Memory();
  const start: Point = { register: initial, frontier: 0, beyond: [], taken: [], supposed: false };
  const stack = [frameAt(history, start)];
  let steps = 0;
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    if (frame.point.frontier === history.certain.length) return { verdict: 'linearizable', steps };
    const following = advance(history, effects, frame);
    if (following === 'none') {
      stack.pop();
      continue;
    }
    if (steps++ >= budget) return { verdict: 'undecided', steps };
    if (following !== 'illegal' && memory.isNew(following)) stack.push(frameAt(history, following));
  }
  return { verdict: 'violation', steps };
}

/** Tries the frame's next candidate. */
function advance(history: KeyHistory, effects: readonly string[], frame: Frame): Point | 'illegal' | 'none' {
  const { point } = frame;
  const i = frame.next++;
  if (i < frame.certain.length) {
    const chosen = frame.certain[i]!;
    const register = step(point.register, history.certain[chosen]!);
    return register === undefined ? 'illegal' : orderCertain(point, register, chosen);
  }
  frame.possible ??= possibleAt(history, effects, point, frame.deadline);
  const chosen = frame.possible[i - frame.certain.length];
  if (chosen === undefined) return 'none';
  const register = step(point.register, history.possible[chosen]!);
  if (register === undefined || register === point.register) return 'illegal';
  return { ...point, register, taken: inserted(point.taken, chosen), supposed: true };
}

function orderCertain(point: Point, register: Register, chosen: number): Point {
  const { taken } = point;
  if (chosen !== point.frontier) {
    const beyond = inserted(point.beyond, chosen);
    return { register, frontier: point.frontier, beyond, taken, supposed: false };
  }
  let frontier = chosen + 1;
  let skipped = 0;
  while (point.beyond[skipped] === frontier) {
    frontier++;
    skipped++;
  }
  return { register, frontier, beyond: point.beyond.slice(skipped), taken, supposed: false };
}

function inserted(sorted: readonly number[], added: number): number[] {
  return [...sorted, added].sort((a, b) => a - b);
}

/** The candidates: no operation that is not ordered yet returned before a candidate was invoked. */
function frameAt(history: KeyHistory, point: Point): Frame {
  const candidates: number[] = [];
  let deadline = Infinity;
  let lowest = Infinity;
  for (let i = point.frontier, b = 0; i < history.certain.length; i++) {
    const operation = history.certain[i]!;
    if (operation.invokedAt > deadline) break;
    if (point.beyond[b] === i) {
      b++;
      continue;
    }
    // What leaves the register as it is comes first without loss: wherever else it could stand, it can stand here.
    if (step(point.register, operation) === point.register) {
      return { point, certain: [i], possible: [], deadline, next: 0 };
    }
    candidates.push(i);
    deadline = Math.min(deadline, operation.returnedAt ?? Infinity);
    lowest = Math.min(lowest, writtenRevision(operation) ?? Infinity);
  }
  return {
    point,
    certain: candidates.filter((i) => mayBeNext(history.certain[i]!, lowest, point.supposed)),
    possible: undefined,
    deadline,
    next: 0,
  };
}

/**
 * Whether ordering the operation next can lead anywhere: not a write while one with a lower revision waits, and not a
 * blind write over a supposed one, which would have been supposed for nothing.
 */
function mayBeNext(operation: Operation, lowestRevision: number, supposed: boolean): boolean {
  return (writtenRevision(operation) ?? 0) <= lowestRevision && !(supposed && operation.kind === 'put');
}

/** One possible operation of each effect: of those that do the same, it does not matter which one happened. */
function possibleAt(
  history: KeyHistory,
  effects: readonly string[],
  point: Point,
  deadline: number,
): number[] {
  const found: number[] = [];
  const met = new Set<string>();
  for (let i = 0, t = 0; i < history.possible.length; i++) {
    const operation = history.possible[i]!;
    if (operation.invokedAt > deadline) break;
    if (point.taken[t] === i) {
      t++;
      continue;
    }
    // Over a supposed write, only what compares with it can matter.
    if (met.has(effects[i]!) || (point.supposed && operation.kind !== 'compareAndPut')) continue;
    met.add(effects[i]!);
    found.push(i);
  }
  return found;
}

/** What a possible operation does, as a name; values that nobody read are all alike. */
function effectsOf({ certain, possible }: KeyHistory): string[] {
  const read = new Set(certain.map((o) => (o.kind === 'get' ? o.result?.value : undefined)));
  return possible.map((operation) => {
    const value = writtenValue(operation);
    const expected = operation.kind === 'compareAndPut' ? operation.expectedRevision : '';
    return `${operation.kind} ${expected} ${read.has(value) ? value : ''}`;
  });
}

/** The points that were seen. */
class Memory {
  private readonly values = new Map<string | undefined | symbol, number>([[anyValue, -1]]);
  private readonly seen = new Map<string, (readonly number[])[]>();

  /** False where a point that supposed no more was as far: whatever this one leads to, that one did. */
  isNew(point: Point): boolean {
    const name = this.nameOf(point);
    const others = this.seen.get(name);
    if (others === undefined) this.seen.set(name, [point.taken]);
    else if (others.some((taken) => isSubset(taken, point.taken))) return false;
    else others.push(point.taken);
    return true;
  }

  /** Short however long the values are. */
  private nameOf({ register, frontier, beyond, supposed }: Point): string {
    let value = this.values.get(register.value);
    if (value === undefined) {
      value = this.values.size;
      this.values.set(register.value, value);
    }
    return `${frontier};${beyond.join()};${value};${register.revision};${register.floor};${supposed}`;
  }
}

function isSubset(part: readonly number[], whole: readonly number[]): boolean {
  let p = 0;
  for (let w = 0; w < whole.length && p < part.length; w++) if (whole[w] === part[p]) p++;
  return p === part.length;
}
