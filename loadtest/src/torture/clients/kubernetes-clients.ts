import type { TortureCluster } from '../cluster/cluster.js';
import type { Random } from '../random.js';
import type { ServiceHistory } from '../recorder.js';
import { KubernetesConnection, UnexpectedAnswer } from './kubernetes-connection.js';
import { pause, type Placement } from './pacing.js';

export interface KubernetesClientOptions {
  readonly cluster: TortureCluster;
  readonly history: ServiceHistory;
  readonly name: string;
  /** Names of this epoch begin with it. */
  readonly prefix: string;
  readonly placement: Placement;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly onUnexpected: (answer: string) => void;
}

async function each(
  options: KubernetesClientOptions,
  restMs: number,
  work: (connection: KubernetesConnection) => Promise<void>,
): Promise<void> {
  const { cluster, placement, signal } = options;
  while (!signal.aborted) {
    const connection = new KubernetesConnection(cluster.masters[placement.master]!.apiServer, cluster.tls);
    try {
      while (!signal.aborted) {
        await work(connection);
        await pause(restMs, signal);
      }
    } catch (error) {
      if (error instanceof UnexpectedAnswer) options.onUnexpected(`${options.name}: ${error.message}`);
      // Recorded with its outcome; a client goes on elsewhere, or tries again where it is.
      placement.failed();
      await pause(20, signal);
    } finally {
      connection.close();
    }
  }
}

/** Creates, reads, lists, updates and deletes a few ConfigMaps that all such clients share. */
export async function runKubernetesRegisters(options: KubernetesClientOptions, keys: number): Promise<void> {
  const { history, name, prefix, random } = options;
  const names = Array.from({ length: keys }, (_, i) => `${prefix}r${i}`);
  const seen = new Map<string, number>();
  let count = 0;
  await each(options, 8, async (connection) => {
    const key = random.pick(names);
    const value = `${name}-${count++}`;
    const kind = random.below(20);
    const base = { client: name, key };
    const expectedRevision = seen.get(key) ?? 0;
    if (kind < 6) {
      const found = await history.perform({ ...base, kind: 'get' }, async () => connection.get(key));
      seen.set(key, found.revision ?? 0);
    } else if (kind < 8) {
      await list(options, connection, names);
    } else if (kind < 19) {
      const { revision } = await history.perform(
        { ...base, kind: 'compareAndPut', expectedRevision, value },
        async () =>
          expectedRevision === 0
            ? connection.create(key, value)
            : connection.update(key, expectedRevision, value),
      );
      if (revision === undefined) {
        const found = await history.perform({ ...base, kind: 'get' }, async () => connection.get(key));
        seen.set(key, found.revision ?? 0);
      } else seen.set(key, revision);
    } else {
      await history.perform({ ...base, kind: 'delete' }, async () => connection.delete(key));
      seen.delete(key);
    }
  });
}

/** A linearizable list is a read of every key at once. */
async function list(
  { history, name }: KubernetesClientOptions,
  connection: KubernetesConnection,
  names: readonly string[],
): Promise<void> {
  const listed = connection.list();
  const reads = names.map(async (key) =>
    history.perform({ client: name, key, kind: 'get' }, async () => {
      const { revision: storeRevision, items } = await listed;
      const item = items.get(key);
      return item === undefined ? { value: undefined, storeRevision } : { ...item, storeRevision };
    }),
  );
  const [failure] = (await Promise.allSettled(reads)).filter((read) => read.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

/** Creates ConfigMaps whose names count up, each once. */
export async function runKubernetesLedger(options: KubernetesClientOptions): Promise<void> {
  const { history, name, prefix } = options;
  let sequence = 0;
  await each(options, 40, async (connection) => {
    const n = sequence++;
    await history.performNumbered(name, n, async () => {
      const { applied } = await connection.create(`${prefix}w-${name}-${n}`, String(n));
      // Nobody else creates this name: it was created by this very request, and then again.
      if (!applied) throw new UnexpectedAnswer(`${prefix}w-${name}-${n} was there before it was created`);
    });
  });
}
