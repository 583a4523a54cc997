import { randomInt } from 'node:crypto';
import { StorageError } from '../storage.js';
import type { EtcdAccess } from './etcd-access.js';
import type { EtcdConnection } from './grpc/connection.js';
import { EtcdError } from './grpc/etcd-error.js';

/** Largest lease id that is chosen here: a number that nothing rounds. */
const maxLease = 2 ** 48 - 1;
const timeoutMs = 5_000;

/** Grants a lease under an id of our own choice. Throws StorageError. */
export async function grantLease(
  access: EtcdAccess,
  ttlSeconds: number,
): Promise<{ id: number; ttlMs: number }> {
  for (;;) {
    const id = randomInt(1, maxLease);
    try {
      // Twice granted under two ids, the first just runs out.
      const granted = await access.repeatable('Lease/LeaseGrant', { TTL: ttlSeconds, ID: id }, timeoutMs);
      return { id, ttlMs: granted.TTL * 1_000 };
    } catch (error) {
      if (!(error instanceof StorageError && /lease already exists/.test(error.message))) throw error;
    }
  }
}

/** Renews a lease once. Throws StorageError LeaseNotFound, or EtcdError when the way to etcd failed. */
export async function renewLease(
  connection: EtcdConnection,
  lease: number,
  patienceMs: number,
): Promise<void> {
  const { endpoint } = connection;
  const stream = await connection.stream('Lease/LeaseKeepAlive');
  let timer: NodeJS.Timeout | undefined;
  try {
    const ttlSeconds = await new Promise<number>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new EtcdError(4, `no answer to a keep-alive in ${patienceMs} ms`, endpoint)),
        patienceMs,
      );
      stream.on('data', ({ TTL }: { readonly TTL: number }) => resolve(TTL));
      stream.on('error', (error) => reject(connection.streamFailed(error, endpoint)));
      stream.on('end', () => reject(new EtcdError(14, 'the stream of keep-alives was ended', endpoint)));
      stream.write({ ID: lease });
    });
    if (ttlSeconds <= 0)
      throw new StorageError('LeaseNotFound', 'the lease does not exist or has expired; nothing was written');
  } finally {
    clearTimeout(timer);
    stream.cancel();
  }
}

export interface SessionOptions {
  readonly access: EtcdAccess;
  readonly connection: EtcdConnection;
  /** etcd may grant more: at least one and a half of its election timeouts. */
  readonly ttlSeconds: number;
  /** A new lease was granted: what lives by it has to be written. Failing it is tried again. */
  readonly onLease: (lease: number) => Promise<void>;
  readonly onWarning: (message: string) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** The lease that this process's registration and candidacy live by: renewed while it runs, granted anew when lost. */
export class Session {
  readonly #options: SessionOptions;
  #lease: number | undefined;
  #ttlMs: number;
  /** When the last renewal that was answered had been sent: etcd counts from then on, or later. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#ttlMs = options.ttlSeconds * 1_000;
  }

  /** The lease that is certain to be alive at etcd; undefined when it may have run out. */
  get liveLease(): number | undefined {
    return this.#options.now() < this.#renewedAt + this.#ttlMs ? this.#lease : undefined;
  }

  start(): void {
    void this.#turn();
  }

  async #turn(): Promise<void> {
    try {
      await (this.#lease === undefined ? this.#begin() : this.#renew(this.#lease));
    } catch (error) {
      if (error instanceof StorageError && error.code === 'LeaseNotFound') this.#lease = undefined;
      else if (!this.#closed && this.liveLease === undefined)
        this.#options.onWarning(`the session with etcd is down: ${(error as Error).message}`);
    }
    if (this.#closed) return;
    const pauseMs = this.#lease === undefined ? 200 : this.#ttlMs / 3;
    this.#timer = setTimeout(() => void this.#turn(), pauseMs);
  }

  async #begin(): Promise<void> {
    const { access, ttlSeconds, now, onLease } = this.#options;
    const startedAt = now();
    const { id, ttlMs } = await grantLease(access, ttlSeconds);
    this.#ttlMs = ttlMs;
    await onLease(id);
    this.#lease = id;
    this.#renewedAt = startedAt;
  }

  async #renew(lease: number): Promise<void> {
    const { connection, now } = this.#options;
    const startedAt = now();
    const { endpoint } = connection;
    try {
      await renewLease(connection, lease, this.#ttlMs / 2);
      this.#renewedAt = startedAt;
    } catch (error) {
      if (error instanceof EtcdError) connection.moveOn(endpoint);
      throw error;
    }
  }

  /** Ends the lease, and what lives by it, at once where etcd can be reached. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    // Out of reach it runs out by itself.
    await this.#options.connection.call('Lease/LeaseRevoke', { ID: lease }, 1_000).catch(() => undefined);
  }
}
