import type { ByteReader, ByteWriter } from './bytes.js';
import type { Lease } from './types.js';

interface HeldLease extends Lease {
  renewals: number;
  readonly keys: Set<string>;
}

const leaseOverheadBytes = 128;

/** Which keys live as long as which lease. Time is the leader's business: nothing here expires by itself. */
export class Leases {
  private readonly held = new Map<number, HeldLease>();

  /** What they take beside the keys that they hold: an estimate that all replicas share. */
  get sizeBytes(): number {
    return this.held.size * leaseOverheadBytes;
  }

  has(id: number): boolean {
    return this.held.has(id);
  }

  get(id: number): Lease | undefined {
    return this.held.get(id);
  }

  grant(id: number, ttlSeconds: number): void {
    this.held.set(id, { id, ttlSeconds, renewals: 0, keys: new Set() });
  }

  renew(id: number): void {
    this.held.get(id)!.renewals++;
  }

  /** The keys that go with the lease, in key order. */
  revoke(id: number): readonly string[] {
    const keys = [...this.held.get(id)!.keys].sort();
    this.held.delete(id);
    return keys;
  }

  attach(id: number, key: string): void {
    if (id !== 0) this.held.get(id)?.keys.add(key);
  }

  detach(id: number, key: string): void {
    if (id !== 0) this.held.get(id)?.keys.delete(key);
  }

  all(): readonly Lease[] {
    return [...this.held.values()].sort((a, b) => a.id - b.id);
  }

  write(writer: ByteWriter): void {
    writer.integer(this.held.size);
    for (const lease of this.all()) {
      writer.integer(lease.id);
      writer.integer(lease.ttlSeconds);
      writer.integer(lease.renewals);
    }
  }

  /** Without keys: whoever loads those attaches them. */
  static read(reader: ByteReader): Leases {
    const made = new Leases();
    for (let count = reader.count('lease count'); count > 0; count--) {
      const id = reader.integer('lease');
      const ttlSeconds = reader.integer('ttlSeconds');
      const renewals = reader.integer('renewals');
      made.held.set(id, { id, ttlSeconds, renewals, keys: new Set() });
    }
    return made;
  }
}
