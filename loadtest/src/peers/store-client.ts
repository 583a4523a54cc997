/**
 * A process of clients of an etcd, real or Trireme's, or of Trireme's peer port: the same program for both sides of a row. Told
 * what to do over IPC; a closed loop, a connection a client.
 */
import { performance } from 'node:perf_hooks';
import { ClientSession, openStorageClient } from '#libs/consensus';
import type { StorageClientOptions } from '#libs/consensus';
import type { Tls } from '../http2/http2-client.js';
import { EtcdWire } from '../services/etcd-wire.js';

export interface StoreWork {
  readonly operation: 'put' | 'get';
  readonly urls: readonly string[];
  readonly tls: Tls;
  readonly clients: number;
  readonly bytes: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** The peer port of these replicas in the place of `urls`. */
  readonly port?: Omit<StorageClientOptions, 'onWarning' | 'session'>;
}

interface Connection {
  put(key: string, value: Buffer): Promise<unknown>;
  get(key: string): Promise<unknown>;
  close(): void;
}

export type StoreWorked =
  | { readonly latenciesMs: Float64Array; readonly errors: number; readonly firstError: string | undefined }
  | { readonly failed: string };

const keys = 10_000;
/** All of them at once would wait for each other's handshakes longer than servers wait for one. */
const openedAtOnce = 32;

/** Connection `i` of them all: they spread over the servers. */
async function connect(
  { urls, tls, port }: StoreWork,
  session: ClientSession,
  i: number,
): Promise<Connection> {
  if (port === undefined) return new EtcdWire(urls[i % urls.length] ?? '', tls);
  const at = i % port.members.length;
  const members = [...port.members.slice(at), ...port.members.slice(0, at)];
  const client = await openStorageClient({ ...port, members, session });
  await client.get('/bench/0');
  return {
    put: async (key, value) => client.txn({ compare: [], success: [{ type: 'put', key, value }] }),
    get: async (key) => client.get(key),
    close: () => client.close(),
  };
}

async function work(wanted: StoreWork): Promise<StoreWorked> {
  const { clients, bytes } = wanted;
  const session = new ClientSession();
  const connections: Connection[] = [];
  while (connections.length < clients) {
    const length = Math.min(openedAtOnce, clients - connections.length);
    const more = Array.from({ length }, async (_, i) => connect(wanted, session, connections.length + i));
    connections.push(...(await Promise.all(more)));
  }
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

process.once('message', (wanted: StoreWork) => {
  const answer = (worked: StoreWorked): void =>
    void process.send?.(worked, undefined, {}, () => process.disconnect());
  work(wanted).then(answer, (error: unknown) => answer({ failed: String(error) }));
});
process.on('disconnect', () => process.exit());
