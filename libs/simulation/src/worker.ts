import { loadConsensusThread } from '#libs/consensus';
import type { RunOptions } from './options.js';
import { run } from './run.js';
import { describeError } from './simulator.js';

// Entry of a worker process of `npm run simulate`: runs what it is sent, one run after the other.
let seed = 0;
// In the product it would end the process, and nobody would say why.
process.on('unhandledRejection', (reason) => {
  process.send?.({ seed, crash: `a promise was rejected and nobody cared: ${describeError(reason)}` });
});
const startThread = await loadConsensusThread();
process.on('message', (options: RunOptions) => {
  seed = options.seed;
  const { coverage, ...result } = run(options, startThread);
  process.send?.({ ...result, coverage: [...coverage] });
});
process.send?.('ready');
