import { MessageChannel, Worker } from 'node:worker_threads';
import type { startConsensusThread } from './start-thread.js';
import type { FromThread, Port, ThreadOptions, ToThread } from './protocol.js';

/** `worker`: a thread of its own, as in production. `inline`: the same code on this thread, for tests from sources. */
export type ThreadMode = 'worker' | 'inline';

export interface LaunchedThread {
  readonly port: Port<ToThread, FromThread>;
  /** Ends the thread. */
  end(): Promise<void>;
}

/** TypeScript sources cannot be a worker's entry: there the code runs inline. */
export const defaultThreadMode: ThreadMode = import.meta.url.endsWith('.ts') ? 'inline' : 'worker';

/** `onExit` tells of an end that nobody asked for, with what was thrown. */
export function launchThread(
  mode: ThreadMode,
  options: ThreadOptions,
  onExit: (error: Error) => void,
): LaunchedThread {
  return mode === 'worker' ? launchWorker(options, onExit) : launchInline(options, onExit);
}

function launchWorker(options: ThreadOptions, onExit: (error: Error) => void): LaunchedThread {
  const worker = new Worker(new URL('./thread-main.js', import.meta.url), {
    workerData: options,
    name: 'consensus',
    // What it allocates is buffers, outside of the heap: the usual room for young objects would lie idle.
    resourceLimits: { maxYoungGenerationSizeMb: 12 },
  });
  let ended = false;
  worker.on('error', (error) => onExit(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => {
    if (!ended) onExit(new Error(`the consensus thread ended with code ${code}`));
  });
  return {
    port: worker as unknown as Port<ToThread, FromThread>,
    end: async () => {
      ended = true;
      await worker.terminate();
    },
  };
}

/** Loaded only where it runs: the main thread of a master needs neither the core nor the transport (40 MiB, 0.15 s). */
export async function loadConsensusThread(): Promise<typeof startConsensusThread> {
  return (await import('./start-thread.js')).startConsensusThread;
}

function launchInline(options: ThreadOptions, onExit: (error: Error) => void): LaunchedThread {
  const { port1, port2 } = new MessageChannel();
  loadConsensusThread().then(
    (start) => start(port2 as unknown as Port<FromThread, ToThread>, options),
    onExit,
  );
  return {
    port: port1 as unknown as Port<ToThread, FromThread>,
    end: () => {
      port1.close();
      return Promise.resolve();
    },
  };
}
