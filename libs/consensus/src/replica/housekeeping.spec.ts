import { describe, expect, it } from 'vitest';
import type { Lease } from '#libs/mvcc';
import { LeadershipTracker } from './leadership.js';
import { LeaseExpiry } from './lease-expiry.js';
import { Retention } from './retention.js';

const lease = (id: number, renewals = 0): Lease => ({ id, ttlSeconds: 10, renewals, keys: new Set() });

describe('expiry of leases', () => {
  const revoked: [number, number][] = [];
  const revoke = (id: number, ifRenewal: number): Promise<void> => {
    revoked.push([id, ifRenewal]);
    return new Promise(() => undefined);
  };

  it('counts from when the leader first saw the lease, and anew from each renewal; asks once', () => {
    const expiry = new LeaseExpiry();
    revoked.length = 0;
    expiry.check([lease(1)], 0, revoke);
    expiry.check([lease(1, 1)], 9_000, revoke);
    expiry.check([lease(1, 1)], 18_900, revoke);
    expect(revoked).toEqual([]);
    expiry.check([lease(1, 1)], 19_000, revoke);
    expiry.check([lease(1, 1)], 20_000, revoke);
    expect(revoked).toEqual([[1, 1]]);
  });

  it('gives every lease its full time under a new leader', () => {
    const expiry = new LeaseExpiry();
    revoked.length = 0;
    expiry.check([lease(1)], 0, revoke);
    expiry.reset();
    expiry.check([lease(1)], 9_900, revoke);
    expiry.check([lease(1)], 19_000, revoke);
    expect(revoked).toEqual([]);
    expiry.check([lease(1)], 19_900, revoke);
    expect(revoked).toEqual([[1, 0]]);
  });

  it('never asks for more than a bounded number at once', () => {
    const expiry = new LeaseExpiry();
    revoked.length = 0;
    const many = Array.from({ length: 1_000 }, (_, i) => lease(i + 1));
    expiry.check(many, 0, revoke);
    expiry.check(many, 10_000, revoke);
    expect(revoked.length).toBe(64);
  });
});

describe('retention of history', () => {
  it('drops what is older than its age', () => {
    const retention = new Retention(300_000, 1_000_000);
    expect(retention.check(100, 0, 0)).toBeUndefined();
    expect(retention.check(200, 0, 299_000)).toBeUndefined();
    expect(retention.check(200, 0, 300_000)).toBe(100);
    expect(retention.check(200, 100, 300_500)).toBeUndefined();
  });

  it('drops what exceeds its number, in steps', () => {
    const retention = new Retention(300_000, 1_000);
    expect(retention.check(1_050, 0, 0)).toBeUndefined();
    expect(retention.check(1_200, 0, 1)).toBe(200);
    expect(retention.check(1_210, 200, 2)).toBeUndefined();
  });
});

describe('leadership', () => {
  it('is announced only once an entry of the own term is applied, and ends at once', () => {
    const tracker = new LeadershipTracker(3);
    const seen: boolean[] = [];
    tracker.listen(({ isLeader }) => seen.push(isLeader));
    tracker.observe(true, 4, 'm1');
    expect(tracker.current.isLeader).toBe(false);
    tracker.applied(4);
    expect(tracker.current).toEqual({ isLeader: true, term: 4, leader: 'm1' });
    tracker.observe(false, 4, undefined);
    expect(seen).toEqual([false, false, true, false]);
  });
});
