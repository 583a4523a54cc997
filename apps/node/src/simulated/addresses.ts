import type { NodeIdentity } from './pod-lifecycle.js';

export interface Addresses extends NodeIdentity {
  readonly podCIDR: string;
}

/**
 * Addresses of the n-th simulated node: host 172.30.x.y, pods 10.128+.x.0/24. Nothing listens there. Pod addresses
 * are handed out in order and remembered by uid.
 */
export function addressesOf(n: number): Addresses {
  const second = 128 + Math.floor(n / 256);
  const third = n % 256;
  const known = new Map<string, string>();
  let next = 0;
  return {
    podCIDR: `10.${second}.${third}.0/24`,
    hostIP: `172.30.${Math.floor(n / 250)}.${(n % 250) + 1}`,
    podIP(uid) {
      let address = known.get(uid);
      if (address === undefined) {
        address = `10.${second}.${third}.${2 + (next++ % 252)}`;
        known.set(uid, address);
        // A node holds 110 pods: what is older than a few generations is never asked for again.
        if (known.size > 1_024) known.delete(known.keys().next().value ?? '');
      }
      return address;
    },
  };
}
