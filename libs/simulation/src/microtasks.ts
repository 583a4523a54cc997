import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';

/**
 * Runs every promise reaction that is ready, as Node does between two macrotasks. The simulated events are such macrotasks,
 * but all of them happen within one of Node's: so the engine is asked directly. Does nothing when called from within a
 * promise reaction: a simulation is run from a timer or at a module's top, never behind an `await`.
 */
export const runMicrotasks: () => void = makeCheckpoint();

function makeCheckpoint(): () => void {
  setFlagsFromString('--allow-natives-syntax');
  // Its syntax is the engine's own: no compiler of ours would take it.
  const checkpoint = runInThisContext('() => %PerformMicrotaskCheckpoint()') as () => void;
  checkpoint();
  setFlagsFromString('--no-allow-natives-syntax');
  return checkpoint;
}
