/**
 * What a correct store may have answered: checks of client histories, of watches and of numbered writes.
 *
 * Contract: pure. A history is a list of what clients asked, what came back and when; a check reads it, changes nothing,
 * and answers within a bounded number of steps: a verdict, and for a violation the smallest window that was found
 * to be wrong by itself. An error that a client got means *maybe*: such an operation may have taken effect at any time
 * after it was asked for, or never. The simulation, the failover lab and the torture of real processes all use it.
 *
 *   const history: Operation[] = [];
 *   history.push({ client: 'a', key: 'k', kind: 'put', value: '1', invokedAt: 0, returnedAt: 3, outcome: 'ok',
 *                  result: { revision: 7 } });
 *   history.push({ client: 'b', key: 'k', kind: 'get', invokedAt: 4, returnedAt: 5, outcome: 'ok',
 *                  result: { value: undefined } });
 *   const report = checkLinearizable(history);
 *   report.verdict;               // 'violation': the read began after the write had been answered
 *   report.violations[0]?.story;  // both operations, one a line
 *
 * Sources: Wing and Gong, "Testing and Verifying Concurrent Objects" (1993); Lowe, "Testing for linearizability" (2017);
 * Horn and Kroening, "Faster linearizability checking via P-compositionality" (2015). The watch's properties
 * are those of etcd's documentation of its API guarantees.
 */
export * from './operation.js';
export { checkLinearizable } from './linearizability.js';
export type { LinearizabilityOptions, LinearizabilityReport } from './linearizability.js';
export type { Violation } from './story.js';
export type { Verdict } from './search.js';
export { checkRevisionOrder, type RevisionFault } from './revision-order.js';
export * from './watch.js';
export * from './ledger.js';
