import { EtcdRefusal } from '#libs/consensus';
import type { Serving } from '../backend.js';
import { etcdError } from '../errors.js';
import type { ResponseHeader } from '../messages.js';

/** As etcd's: about 285 years. */
const maxTtlSeconds = 9_000_000_000;

interface Headed {
  readonly header: ResponseHeader;
}

/** etcd's Lease service. Leases are counted down by the leader and end through the log. */
export class LeaseService {
  constructor(private readonly serving: Serving) {}

  async grant(request: {
    readonly TTL: number;
    readonly ID: number;
  }): Promise<Headed & { ID: number; TTL: number }> {
    if (request.TTL > maxTtlSeconds) throw etcdError('leaseTtlTooLarge');
    // Ids of 2^53 and more cannot be told apart here; etcd's clients leave the choice to the server.
    if (request.ID < 0 || request.ID >= Number.MAX_SAFE_INTEGER) throw etcdError('leaseExists');
    const ttl = Math.max(1, request.TTL);
    const id = await this.serving.space.grantLease(ttl, request.ID === 0 ? undefined : request.ID);
    return { header: this.serving.header(), ID: id, TTL: ttl };
  }

  async revoke({ ID }: { readonly ID: number }): Promise<Headed> {
    if (ID <= 0 || !Number.isSafeInteger(ID)) throw etcdError('leaseNotFound');
    await this.serving.space.revokeLease(ID);
    return { header: this.serving.header() };
  }

  /** A lease that is gone is no error but a TTL of 0. */
  async keepAlive({ ID }: { readonly ID: number }): Promise<Headed & { ID: number; TTL: number }> {
    const TTL = await this.renewed(ID);
    return { header: this.serving.header(), ID, TTL };
  }

  private async renewed(id: number): Promise<number> {
    if (id <= 0 || !Number.isSafeInteger(id)) return 0;
    try {
      return await this.serving.space.renewLease(id);
    } catch (error) {
      if (error instanceof EtcdRefusal && error.code === 'leaseNotFound') return 0;
      throw error;
    }
  }

  async timeToLive({ ID, keys }: { readonly ID: number; readonly keys: boolean }): Promise<object> {
    await this.serving.space.barrier();
    const lease = this.serving.space.lease(ID);
    const header = this.serving.header();
    if (lease === undefined) return { header, ID, TTL: -1, grantedTTL: 0, keys: [] };
    return {
      header,
      ID,
      TTL: Math.ceil(lease.remainingMs / 1000),
      grantedTTL: lease.ttlSeconds,
      keys: keys ? [...lease.keys].sort().map((key) => Buffer.from(key, 'latin1')) : [],
    };
  }

  async leases(): Promise<Headed & { leases: { ID: number }[] }> {
    await this.serving.space.barrier();
    return { header: this.serving.header(), leases: this.serving.space.leases().map((ID) => ({ ID })) };
  }
}
