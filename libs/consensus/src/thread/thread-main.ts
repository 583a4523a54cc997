import { parentPort, workerData } from 'node:worker_threads';
import { LogThread } from '../log/log-thread.js';
import { poolWatchingDisk } from '../log/pool-watch.js';
import { dataSyncFlag } from '../log/segment.js';
import { realParts } from './parts.js';
import { startConsensusThread } from './start-thread.js';
import type { FromThread, Port, ThreadOptions, ToThread } from './protocol.js';

// Entry of the worker; see launch.ts for the other side.
if (parentPort === null) throw new Error('thread-main runs as a worker only');
// Without O_DSYNC a write is made durable by a second call, which goes through the pool: the thread would be of no use.
const disk =
  dataSyncFlag === undefined
    ? realParts.disk
    : poolWatchingDisk(realParts.disk, realParts.clock, () => new LogThread());
startConsensusThread(parentPort as unknown as Port<FromThread, ToThread>, workerData as ThreadOptions, {
  ...realParts,
  disk,
});
