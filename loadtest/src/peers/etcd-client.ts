/**
 * A process of clients of an etcd, real or Trireme's: the same program for both sides of a row. Told what to do over IPC;
 * a closed loop, a connection a client.
 */
import { performance } from 'node:perf_hooks';
import type { Tls } from '../http2/http2-client.js';
import { EtcdWire } from '../services/etcd-wire.js';

export interface EtcdWork {
  readonly operation: 'put' | 'get';
  readonly urls: readonly string[];
  readonly tls: Tls;
  readonly clients: number;
  readonly bytes: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

export type EtcdWorked =
  | { readonly latenciesMs: Float64Array; readonly errors: number; readonly firstError: string | undefined }
  | { readonly failed: string };

const keys = 10_000;

async function work(wanted: EtcdWork): Promise<EtcdWorked> {
  const { urls, tls, clients, bytes } = wanted;
  const connections = Array.from(
    { length: clients },
    (_, i) => new EtcdWire(urls[i % urls.length] ?? '', tls),
  );
  const value = Buffer.alloc(bytes, 'x');
  if (wanted.operation === 'get') await connections[0]?.put('/bench/0', value);
  const started = performance.now() + wanted.warmupSeconds * 1_000;
  const end = started + wanted.seconds * 1_000;
  const latenciesMs: number[] = [];
  let errors = 0;
  let firstError: string | undefined;
  let n = 0;
  await Promise.all(
    connections.map(async (connection) => {
      for (let from = performance.now(); from < end; from = performance.now()) {
        try {
          if (wanted.operation === 'put') await connection.put(`/bench/${n++ % keys}`, value);
          else await connection.get('/bench/0');
          if (from >= started) latenciesMs.push(performance.now() - from);
        } catch (error) {
          errors++;
          firstError ??= (error as Error).message;
        }
      }
    }),
  );
  for (const connection of connections) connection.close();
  return { latenciesMs: Float64Array.from(latenciesMs), errors, firstError };
}

process.once('message', (wanted: EtcdWork) => {
  const answer = (worked: EtcdWorked): void =>
    void process.send?.(worked, undefined, {}, () => process.disconnect());
  work(wanted).then(answer, (error: unknown) => answer({ failed: String(error) }));
});
process.on('disconnect', () => process.exit());
