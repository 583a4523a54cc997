import type { TortureCluster } from '../cluster/cluster.js';
import type { Random } from '../random.js';
import type { ServiceHistory } from '../recorder.js';
import { EtcdConnection } from './etcd-connection.js';
import { pause, type Placement } from './pacing.js';

const timeoutMs = 1_500;

export interface EtcdClientOptions {
  readonly cluster: TortureCluster;
  readonly history: ServiceHistory;
  readonly name: string;
  /** Keys of this epoch begin with it. */
  readonly prefix: string;
  readonly placement: Placement;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Reads may be stale: a run that does not find that is worth nothing. */
  readonly staleReads: boolean;
}

/** Calls `work` again and again on a connection; a failure costs the connection. */
async function each(
  options: EtcdClientOptions,
  restMs: number,
  work: (connection: EtcdConnection) => Promise<void>,
): Promise<void> {
  const { cluster, placement, signal } = options;
  while (!signal.aborted) {
    const master = cluster.masters[placement.master]!;
    const connection = await EtcdConnection.open(master.etcd, cluster.etcdTls, timeoutMs);
    try {
      while (!signal.aborted) {
        await work(connection);
        await pause(restMs, signal);
      }
    } catch {
      // Recorded with its outcome; a client goes on elsewhere, or tries again where it is.
      placement.failed();
      await pause(20, signal);
    } finally {
      connection.close();
    }
  }
}

/** Reads, writes, compares and deletes a few keys that all such clients share. */
export async function runEtcdRegisters(options: EtcdClientOptions, keys: number): Promise<void> {
  const { history, name, prefix, random, placement } = options;
  const seen = new Map<string, number>();
  let count = 0;
  await each(options, 4, async (connection) => {
    const key = `${prefix}r/${random.below(keys)}`;
    const value = `${name}-${count++}`;
    const kind = random.below(20);
    const base = { client: name, key };
    // A client that stays with a cut-off leader, and reads nothing but what that has: it must be found out.
    if (kind < 7 || (options.staleReads && placement.stays)) {
      const found = await history.perform({ ...base, kind: 'get' }, async () =>
        connection.get(key, options.staleReads),
      );
      seen.set(key, found.revision ?? 0);
    } else if (kind < 12) {
      const { revision } = await history.perform({ ...base, kind: 'put', value }, async () =>
        connection.put(key, value),
      );
      seen.set(key, revision);
    } else if (kind < 19) {
      const expectedRevision = seen.get(key) ?? 0;
      const { revision } = await history.perform(
        { ...base, kind: 'compareAndPut', expectedRevision, value },
        async () => connection.compareAndPut(key, expectedRevision, value),
      );
      if (revision !== undefined) seen.set(key, revision);
      else seen.delete(key);
    } else {
      await history.perform({ ...base, kind: 'delete' }, async () => connection.delete(key));
      seen.delete(key);
    }
  });
}

/** Writes keys that count up, each once. */
export async function runEtcdLedger(options: EtcdClientOptions): Promise<void> {
  const { history, name, prefix } = options;
  let sequence = 0;
  await each(options, 25, async (connection) => {
    const n = sequence++;
    await history.performNumbered(name, n, async () => {
      await connection.put(`${prefix}w/${name}/${n}`, String(n));
    });
  });
}
