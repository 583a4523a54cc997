import type { Tls } from '../http2/http2-client.js';

/** A running control plane to measure: Trireme, or three kube-apiservers on three etcd. */
export interface Target {
  readonly name: string;
  /** Base URLs of its API servers. */
  readonly servers: readonly string[];
  readonly tls: Tls;
  /** Every process of the control plane. */
  readonly pids: () => Promise<readonly number[]>;
  readonly stop: () => Promise<void>;
}
