import { setImmediate } from 'node:timers/promises';
import { ApiError } from '#libs/apimachinery';
import type { StreamResponse, StreamSink } from '#libs/apiserver';
import type { Replica } from '#libs/consensus';
import type { Logger } from '#libs/telemetry';

/** Each holds on to the state that it began with while it is read, however slowly. */
const maxAtOnce = 2;

/** Answers a backup: taken at once, behind everything that was acknowledged before, sent at the client's pace. */
export class BackupStreams {
  readonly #storage: Replica;
  readonly #logger: Logger;
  #open = 0;

  constructor(storage: Replica, logger: Logger) {
    this.#storage = storage;
    this.#logger = logger;
  }

  async answer(): Promise<StreamResponse> {
    if (this.#open >= maxAtOnce) {
      throw new ApiError(429, 'TooManyRequests', `${maxAtOnce} backups are being sent already`, {
        retryAfterSeconds: 5,
      });
    }
    await this.#storage.barrier();
    const { info, bytes } = this.#storage.backup();
    return {
      kind: 'stream',
      status: 200,
      headers: { 'content-type': 'application/octet-stream' },
      start: (sink) => {
        const client = { gone: false };
        this.#open++;
        void this.#send(bytes, sink, client)
          .catch((error: Error) => {
            // The checksum at its end is missing: the client sees that it has not got all of it.
            this.#logger.error({ error: error.stack, ...info }, 'a backup broke off');
          })
          .finally(() => {
            this.#open--;
            sink.end();
          });
        return () => void (client.gone = true);
      },
    };
  }

  async #send(
    bytes: Iterable<Uint8Array>,
    sink: StreamSink,
    client: { readonly gone: boolean },
  ): Promise<void> {
    for (const chunk of bytes) {
      if (client.gone) return;
      if (!sink.write(chunk)) await sink.ready?.();
      // Encoding a chunk takes a while: other requests are served between two of them.
      await setImmediate();
    }
  }
}
