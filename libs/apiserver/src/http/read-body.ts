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
    const declared = declaredLength === undefined ? undefined : Number(declaredLength);
    const cancel = clock.after(timeoutMs, () =>
      refuse(timeout('the body of the request did not arrive within the allotted time')),
    );
    const reject = (error: ApiError): void => {
      cancel();
      refuse(error);
    };
    if (declared !== undefined && declared > bodyBytesMax) {
      reject(requestEntityTooLarge(bodyBytesMax));
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    let whole = false;
    const finish = (): void => {
      if (whole) return;
      whole = true;
      cancel();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) {
        stream.off('data', onData);
        stream.pause();
        reject(requestEntityTooLarge(bodyBytesMax));
        return;
      }
      chunks.push(chunk);
      if (bytes !== declared) return;
      // Left before its end: an HTTP/2 stream whose input has ended is destroyed while its answer is still being
      // written, and Node makes an error object with a stack trace for that, for nobody, at a tenth of a request's cost.
      stream.off('data', onData);
      stream.pause();
      finish();
    };
    const broken = (): void => {
      // `close` follows every stream, also one that was read to its end.
      if (!whole) reject(new ApiError(400, 'BadRequest', 'the body of the request broke off'));
    };
    stream.on('data', onData);
    stream.once('end', finish);
    stream.once('error', broken);
    stream.once('close', broken);
  });
}
