import { defaultTolerationSeconds } from './default-toleration-seconds.js';
import { parseIpv4Range } from './ipv4-range.js';
import { namespaceLifecycle } from './namespace-lifecycle.js';
import type { AdmissionPlugin } from './plugin.js';
import { podPriority } from './pod-priority.js';
import { podServiceAccount } from './pod-service-account.js';
import { serviceAddresses } from './service-addresses.js';

export interface AdmissionOptions {
  /** Default 10.96.0.0/16. */
  readonly serviceClusterIpRange?: string;
  /** Inclusive; default 30000–32767. */
  readonly serviceNodePorts?: { readonly first: number; readonly last: number };
}

const defaultClusterIpRange = '10.96.0.0/16';
const defaultNodePorts = { first: 30_000, last: 32_767 };

/** The plugins that run by default, in Kubernetes' order. Throws RangeError for a range that is none. */
export function defaultAdmission(options: AdmissionOptions = {}): readonly AdmissionPlugin[] {
  return [
    namespaceLifecycle,
    podServiceAccount,
    podPriority,
    defaultTolerationSeconds,
    serviceAddresses({
      range: parseIpv4Range(options.serviceClusterIpRange ?? defaultClusterIpRange),
      nodePorts: options.serviceNodePorts ?? defaultNodePorts,
    }),
  ];
}
