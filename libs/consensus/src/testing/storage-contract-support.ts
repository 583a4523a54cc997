import { prefixEnd, unboundedEnd } from '#libs/mvcc';
import { StorageError } from '../storage.js';
import type {
  Compare,
  Operation,
  Storage,
  StorageErrorCode,
  StoreEvent,
  TxnResult,
  WatchRequest,
} from '../storage.js';
import { until } from './cluster.js';

/** Replicas of one fresh cluster with a leader. */
export interface ContractCluster {
  readonly replicas: readonly Storage[];
  destroy(): Promise<void>;
}

export interface ContractEngine {
  readonly name: string;
  /** History beyond `retentionRevisions` is dropped by itself. */
  open(size: number, options: { readonly retentionRevisions: number }): Promise<ContractCluster>;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);
export const put = (key: string, value = 'x', lease?: number): Operation => ({
  type: 'put',
  key,
  value: bytes(value),
  ...(lease === undefined ? {} : { lease }),
});
export const write = (storage: Storage, ...success: Operation[]): Promise<TxnResult> =>
  storage.txn({ compare: [], success });
export const absent = (key: string): Compare => ({ key, target: 'modRevision', operator: '=', operand: 0 });
export const codeOf = (promise: Promise<unknown>): Promise<StorageErrorCode | 'resolved'> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => {
      if (error instanceof StorageError) return error.code;
      throw error;
    },
  );
export const all = { start: '', end: unboundedEnd };
export const pods: WatchRequest = { start: '/pods/', end: prefixEnd('/pods/') };
export const keysOf = (storage: Storage): string[] => storage.range(all).keyValues.map(({ key }) => key);

/** Collects the calls of one watcher: its events, with the revision of the store. */
export function record(storage: Storage, request: WatchRequest) {
  const calls: { readonly events: readonly StoreEvent[]; readonly revision: number }[] = [];
  const watcher = storage.watch(request, (events, revision) => calls.push({ events, revision }));
  const seen = (): string[] =>
    calls.flatMap(({ events }) =>
      events.map(({ type, keyValue }) => `${type} ${keyValue.key} ${text(keyValue.value)}`),
    );
  return { calls, seen, close: () => watcher.close() };
}

export async function leaderOf(replicas: readonly Storage[]): Promise<Storage> {
  const agreed = (): Storage | undefined => {
    const leader = replicas.find(({ leadership }) => leadership.isLeader);
    return replicas.every(({ leadership }) => leadership.term === leader?.leadership.term)
      ? leader
      : undefined;
  };
  await until('all agree on a leader', () => agreed() !== undefined, 30_000);
  return agreed()!;
}
