import { parentPort, workerData } from 'node:worker_threads';
import { startConsensusThread } from './start-thread.js';
import type { FromThread, Port, ThreadOptions, ToThread } from './protocol.js';

// Entry of the worker; see launch.ts for the other side.
if (parentPort === null) throw new Error('thread-main runs as a worker only');
startConsensusThread(parentPort as unknown as Port<FromThread, ToThread>, workerData as ThreadOptions);
