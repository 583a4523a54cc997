/**
 * TEST ONLY: a whole group of replicas (the Raft core, the consensus thread, the log, the snapshots, the store, the
 * watches) in one thread, in simulated time, under one seed.
 *
 * Contract: `run` is a function of its options. The same seed gives the same trace, hash for hash, on every machine. The code
 * that runs is the product's; only clock, disk, network and chance are simulated. What must always hold is checked after
 * every step, what clients and watchers saw at the end.
 *
 *   const startThread = await loadConsensusThread();
 *   setImmediate(() => {
 *     const result = run({ seed: 7, events: 20_000 }, startThread);
 *     if (result.violation) console.log(result.violation.what, result.story.join('\n'));
 *   });
 */
export { run } from './run.js';
export type { RunResult } from './run.js';
export type { RunOptions, Scenario } from './options.js';
export { faultSites } from './coverage.js';
export { mutants } from './mutants.js';
export type { Mutant } from './mutants.js';
