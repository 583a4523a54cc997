import type { EtcdTls, EtcdUser } from './grpc/connection.js';

export interface ExternalMember {
  readonly id: number;
  readonly name: string;
  /** Serves like the others and never stands for election. */
  readonly observer?: boolean | undefined;
}

/** How to open a replica over an external etcd. Durations in milliseconds unless they say otherwise. */
export interface ExternalOptions {
  /** Letters, digits, dots and hyphens. */
  readonly name: string;
  /** Positive safe integer, one for each running master of the cluster. */
  readonly memberId: number;
  /** The same on all members; data of another cluster are refused. */
  readonly clusterId: string;
  /** All members, this one included: what status shows, also of those that do not run. */
  readonly members: readonly ExternalMember[];
  /** `etcd://host:port[,…][/prefix]`, or `etcds://` for TLS. */
  readonly url: string;
  readonly tls?: EtcdTls;
  readonly user?: EtcdUser;
  /** How long the leader's session outlives it. etcd grants no less than 1.5 of its election timeouts. Default 3. */
  readonly sessionTtlSeconds?: number;
  /** The leader compacts etcd to where it stood so long ago, as often. 0: never; then something else has to. Default 300 000. */
  readonly compactEveryMs?: number;
  /** How long each replica keeps history in its memory. Default 300 000. */
  readonly retentionMs?: number;
  /** History is cut to so many revisions even when younger; a start reads as many back from etcd. Default 20 000. */
  readonly retentionRevisions?: number;
  /** Writes that wait for an answer at most. Default 10 000. */
  readonly maxPendingWrites?: number;
  /** With etcd out of reach for so long, writes and barriers fail with NoQuorum instead of waiting. Default 3000. */
  readonly noLeaderPatienceMs?: number;
  /** How long a start waits for etcd. Default 5000. */
  readonly startPatienceMs?: number;
  /** The replica cannot go on as this member; the process must end. */
  readonly onFatal: (error: Error) => void;
  /** Something a person should read. */
  readonly onWarning?: (message: string) => void;
}

export type ResolvedExternalOptions = Required<Omit<ExternalOptions, 'tls' | 'user'>> &
  Pick<ExternalOptions, 'tls' | 'user'>;

export function resolveExternalOptions(options: ExternalOptions): ResolvedExternalOptions {
  return {
    sessionTtlSeconds: 3,
    compactEveryMs: 300_000,
    retentionMs: 300_000,
    retentionRevisions: 20_000,
    maxPendingWrites: 10_000,
    noLeaderPatienceMs: 3_000,
    startPatienceMs: 5_000,
    onWarning: () => undefined,
    ...options,
  };
}
