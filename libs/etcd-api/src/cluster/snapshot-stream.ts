import { createHash } from 'node:crypto';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Serving } from '../backend.js';

/** etcd's clients tell a snapshot with a checksum by its length: whole sectors, then 32 bytes. */
const sectorBytes = 512;
const checksumBytes = 32;

/**
 * Streams the etcd key space in the product's own snapshot format, padded to whole sectors, then its SHA-256. It is one
 * state, however long the stream takes; the stream goes as fast as the client reads.
 * The caller ends the call.
 */
export async function streamSnapshot(
  call: ServerWritableStream<unknown, object>,
  serving: Serving,
  version: string,
): Promise<void> {
  const header = serving.header();
  const snapshot = serving.space.snapshot();
  let size = 0;
  for (const chunk of snapshot) {
    size += chunk.length;
    // Counting encodes: other work goes on between two chunks.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const padding = (sectorBytes - (size % sectorBytes)) % sectorBytes;
  let remaining = size + padding + checksumBytes;
  const hash = createHash('sha256');
  const send = async (blob: Uint8Array): Promise<void> => {
    remaining -= blob.length;
    await written(call, { header, remaining_bytes: remaining, blob, version });
  };
  for (const chunk of snapshot) {
    if (call.cancelled) return;
    hash.update(chunk);
    await send(chunk);
  }
  const zeros = Buffer.alloc(padding);
  hash.update(zeros);
  await send(Buffer.concat([zeros, hash.digest()]));
}

/** Resolves once the response has been taken, or the client is gone. */
function written(call: ServerWritableStream<unknown, object>, response: object): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('cancelled', done);
      resolve();
    };
    call.once('cancelled', done);
    call.write(response, done);
  });
}
