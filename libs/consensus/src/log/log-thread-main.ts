import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { WriteAnswer, WriteOrder } from './log-thread.js';

// Entry of the log's thread; see log-thread.ts for the other side. Synchronous: nothing else is done here.
function write({ fd, bytes, position }: WriteOrder): WriteAnswer {
  try {
    return { written: writeSync(fd, bytes, 0, bytes.length, position) };
  } catch (error) {
    const { message, code, errno, syscall } = error as NodeJS.ErrnoException;
    return { written: 0, failure: { message, code, errno, syscall } };
  }
}

parentPort?.on('message', (order: WriteOrder) => parentPort?.postMessage(write(order), []));
