import { describe, expect, it } from 'vitest';
import { createStore, encodeCommand } from './index.js';

describe('leases', () => {
  it('count as size, in either space: whoever asks for a million meets the quota', () => {
    const store = createStore();
    const sizes: number[] = [];
    for (let index = 1; index <= 200; index++) {
      const id = { session: 1, sequence: index, answeredBelow: index };
      const space = index % 2 === 0 ? 'etcd' : 'kubernetes';
      store.apply(index, 1, encodeCommand({ type: 'leaseGrant', id, space, lease: index, ttlSeconds: 60 }));
      sizes.push(store.sizeBytes);
    }
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(store.sizeBytes).toBeGreaterThanOrEqual(200 * 100);
    expect(store.inUseBytes, 'compaction frees none of them').toBe(store.sizeBytes);
    expect(store.etcd.sizeBytes * 2).toBe(store.sizeBytes);
  });
});
