import type { Readable } from 'node:stream';
import { ApiError, requestEntityTooLarge, timeout } from '#libs/apimachinery';
import type { Clock } from '../clock.js';

/** As Kubernetes: 3 MiB. */
export const bodyBytesMax = 3 * 1024 * 1024;

/**
 * Reads a body whole. Rejects with ApiError 413 as soon as it is known to be too large (the rest is not read), 400 when
 * the client breaks off, 504 when it takes longer than `timeoutMs`.
 */
export function readBody(
  stream: Readable,
  declaredLength: string | undefined,
  clock: Clock,
  timeoutMs: number,
): Promise<Buffer> {
  return new Promise((resolve, refuse) => {
    const cancel = clock.after(timeoutMs, () =>
      refuse(timeout('the body of the request did not arrive within the allotted time')),
    );
    const reject = (error: ApiError): void => {
      cancel();
      refuse(error);
    };
    if (declaredLength !== undefined && Number(declaredLength) > bodyBytesMax) {
      reject(requestEntityTooLarge(bodyBytesMax));
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) {
        stream.off('data', onData);
        stream.pause();
        reject(requestEntityTooLarge(bodyBytesMax));
        return;
      }
      chunks.push(chunk);
    };
    let whole = false;
    const broken = (): void => {
      // `close` follows every stream, also one that was read to its end.
      if (!whole) reject(new ApiError(400, 'BadRequest', 'the body of the request broke off'));
    };
    stream.on('data', onData);
    stream.once('end', () => {
      whole = true;
      cancel();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
    stream.once('error', broken);
    stream.once('close', broken);
  });
}
