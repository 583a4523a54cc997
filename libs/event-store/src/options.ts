import type { Leadership } from '#libs/consensus';
import type { RedisTls } from './connection.js';

/** How to open a store of Events in Redis. Durations in milliseconds. */
export interface RedisEventStoreOptions {
  /** `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string;
  readonly tls?: RedisTls;
  /** Names the keys in Redis: clusters of different ids share one without seeing each other. */
  readonly clusterId: string;
  /** Who leads the cluster as this master knows it: what a write's fence is held against. */
  readonly leadership: () => Leadership;
  /** How long an Event is kept behind its last write. Default an hour. */
  readonly ttlMs?: number;
  /** How often Redis is asked whether it is there, and expired Events are deleted. Default 1000. */
  readonly tickMs?: number;
  /** With Redis away for so long, watches end. Default 3000. */
  readonly patienceMs?: number;
  /** Changes kept for watches that resume, here in memory (for five minutes at most) and in Redis. Default 20 000. */
  readonly historyEntries?: number;
  /** Writes that wait for an answer at most. Default 5000. */
  readonly maxPendingWrites?: number;
  /** Redis is away, or there again: something a person should read. `detail` never holds a password. */
  readonly onChange: (up: boolean, detail: string) => void;
}

export type ResolvedOptions = Required<Omit<RedisEventStoreOptions, 'tls'>> &
  Pick<RedisEventStoreOptions, 'tls'>;

export function resolveOptions(options: RedisEventStoreOptions): ResolvedOptions {
  return {
    ttlMs: 3_600_000,
    tickMs: 1_000,
    patienceMs: 3_000,
    historyEntries: 20_000,
    maxPendingWrites: 5_000,
    ...options,
  };
}
