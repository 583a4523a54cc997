import { setFlagsFromString } from 'node:v8';

/**
 * Runs every promise reaction that is ready, as Node does between two macrotasks. The simulated events are such macrotasks,
 * but all of them happen within one of Node's: so the engine is asked directly. Does nothing when called from within a
 * promise reaction: a simulation is run from a timer or at a module's top, never behind an `await`.
 */
export const runMicrotasks: () => void = makeCheckpoint();

function makeCheckpoint(): () => void {
  setFlagsFromString('--allow-natives-syntax');
  // The one way to that call; the source is a constant.
  // oxlint-disable-next-line no-implied-eval, no-new-func
  const checkpoint = new Function('%PerformMicrotaskCheckpoint()') as () => void;
  checkpoint();
  setFlagsFromString('--no-allow-natives-syntax');
  return checkpoint;
}
