import { ConsensusThread } from './consensus-thread.js';
import type { ThreadParts } from './parts.js';
import type { FromThread, Port, ThreadOptions, ToThread } from './protocol.js';

/** Starts the consensus thread behind a port: of a worker, or of the same thread in tests. */
export function startConsensusThread(
  port: Port<FromThread, ToThread>,
  options: ThreadOptions,
  parts?: ThreadParts,
): void {
  const fail = (error: unknown): void => {
    const { name, message, code } = error as Error & { code?: string };
    port.postMessage({ kind: 'failed', name, code, message });
  };
  try {
    new ConsensusThread(port, options, parts).start().catch(fail);
  } catch (error) {
    fail(error);
  }
}
