import { constants, createGzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { StreamResponse, UnaryResponse } from '../request.js';
import type { HttpExchange } from './exchange.js';
import { HttpSink } from './sink.js';

/** As Kubernetes: smaller bodies are not worth compressing. */
const gzipBytesMin = 128 * 1024;
/** Chunks are gathered into writes of about this size: one buffer copy instead of thousands of small writes. */
const blockBytes = 256 * 1024;

/** Sends an answer whole. Resolves when the last byte was handed to the socket or the client has gone. */
export async function sendUnary(exchange: HttpExchange, response: UnaryResponse): Promise<void> {
  const chunks = response.chunks ?? [];
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  if (length >= gzipBytesMin && acceptsGzip(exchange)) return sendGzip(exchange, response, chunks);
  const only = chunks[0];
  if (exchange.method === 'HEAD' || only === undefined) {
    exchange.respond(response.status, response.headers, true, length);
    return;
  }
  exchange.respond(response.status, response.headers, false, length);
  if (chunks.length === 1) {
    exchange.output.end(only);
    return;
  }
  for (const block of blocks(chunks)) {
    if (exchange.gone) return;
    if (!exchange.output.write(block)) await drained(exchange);
  }
  exchange.output.end();
}

async function sendGzip(
  exchange: HttpExchange,
  response: UnaryResponse,
  chunks: readonly Uint8Array[],
): Promise<void> {
  exchange.respond(
    response.status,
    { ...response.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' },
    exchange.method === 'HEAD',
  );
  if (exchange.method === 'HEAD') return;
  // The fastest level: the point is the slow link, not the last percent.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 64 * 1024 });
  try {
    await pipeline(Readable.from(blocks(chunks)), gzip, exchange.output);
  } catch (error) {
    // The client has gone; there is nobody to tell.
    if (!exchange.gone) throw error;
  }
}

function acceptsGzip(exchange: HttpExchange): boolean {
  return exchange.headers['accept-encoding']?.includes('gzip') === true;
}

/** Chunks joined to blocks, made as they are asked for, so that the event loop breathes between them. */
function* blocks(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let from = 0;
  let bytes = 0;
  for (const [index, chunk] of chunks.entries()) {
    bytes += chunk.length;
    if (bytes < blockBytes) continue;
    yield joined(chunks, from, index + 1, bytes);
    from = index + 1;
    bytes = 0;
  }
  if (from < chunks.length) yield joined(chunks, from, chunks.length, bytes);
}

function joined(chunks: readonly Uint8Array[], from: number, to: number, bytes: number): Uint8Array {
  if (to - from === 1) return chunks[from]!;
  return Buffer.concat(chunks.slice(from, to), bytes);
}

/** Resolves when the output takes more, or never will. */
function drained(exchange: HttpExchange): Promise<void> {
  const { output } = exchange;
  return new Promise((resolve) => {
    const done = (): void => {
      output.off('drain', done);
      output.off('close', done);
      resolve();
    };
    output.on('drain', done);
    output.on('close', done);
  });
}

/** Opens a watch: its frames follow until either side ends it. */
export function sendStream(exchange: HttpExchange, response: StreamResponse): void {
  exchange.respond(response.status, response.headers, exchange.method === 'HEAD');
  if (exchange.method === 'HEAD') return;
  const sink = new HttpSink(exchange.output);
  const stop = response.start(sink);
  if (exchange.gone) stop();
  else exchange.onGone(stop);
}
