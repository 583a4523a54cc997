import type { Metadata } from '@grpc/grpc-js';
import type { EtcdBackend } from './backend.js';
import { etcdError } from './errors.js';

/** A stream that its client wants to live only where a leader is known. */
interface GuardedCall {
  readonly metadata: Metadata;
  emit(event: 'error', error: Error): boolean;
}

/** As long as an etcd member waits: a change of leaders is over long before. */
const patienceMs = 3_000;

/**
 * Ends streams before their time: those that ask for a leader (`hasleader`, as clients with a failover of their own do)
 * once none has been known for a while, so that they go to a member that is not cut off; and all when this member stops.
 */
export class LeaderGuard {
  /** With whether they ask for a leader. */
  private readonly calls = new Map<GuardedCall, boolean>();
  private readonly unsubscribe: () => void;
  private timer: NodeJS.Timeout | undefined;

  constructor(backend: EtcdBackend) {
    this.unsubscribe = backend.onLeadership(({ leader }) => {
      clearTimeout(this.timer);
      if (leader === undefined) this.timer = setTimeout(() => this.leaderLost(), patienceMs);
    });
  }

  /** @returns what to call when the stream ends by itself */
  watch(call: GuardedCall): () => void {
    this.calls.set(call, call.metadata.get('hasleader').length > 0);
    return () => void this.calls.delete(call);
  }

  private leaderLost(): void {
    for (const [call, wantsLeader] of this.calls) if (wantsLeader) call.emit('error', etcdError('noLeader'));
  }

  close(): void {
    this.unsubscribe();
    clearTimeout(this.timer);
    for (const call of this.calls.keys()) call.emit('error', etcdError('stopped'));
  }
}
