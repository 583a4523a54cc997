import {
  formatTime,
  isNotFound,
  resources,
  type Client,
  type Clock,
  type Condition,
  type Pod,
} from '#libs/client';

export interface StatusWriterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown, what: string) => void;
}

export interface PodVerdict {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** Absent: as it is. Empty: none any more. */
  readonly nominatedNodeName?: string;
}

/** Writes under way at once: few, so that bindings do not wait behind thousands of refusals. */
const concurrencyMax = 16;

/**
 * Tells why a pod is not scheduled, in its PodScheduled condition. Written in the background; for each pod only the
 * newest verdict is written, and none that says what the pod says already. At most one entry a waiting pod.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #pending = new Map<string, { readonly pod: Pod; readonly verdict: PodVerdict }>();
  readonly #writing = new Set<string>();
  #drained: (() => void) | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  write(pod: Pod, verdict: PodVerdict): void {
    const uid = pod.metadata.uid ?? '';
    if (says(pod, verdict)) {
      this.#pending.delete(uid);
      return;
    }
    this.#pending.set(uid, { pod, verdict });
    this.#next();
  }

  /** The node that was kept for the pod went to another. */
  clearNomination(pod: Pod): void {
    const { reason, message = '' } = scheduledCondition(pod) ?? {};
    const known = reason === 'SchedulerError' ? 'SchedulerError' : 'Unschedulable';
    this.write(pod, { reason: known, message, nominatedNodeName: '' });
  }

  /** The pod is gone or bound: what waits for it is moot. */
  cancel(uid: string): void {
    this.#pending.delete(uid);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#writing.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  #next(): void {
    if (this.#options.signal.aborted) this.#pending.clear();
    for (const [uid, { pod, verdict }] of this.#pending) {
      if (this.#writing.size >= concurrencyMax) return;
      if (this.#writing.has(uid)) continue;
      this.#pending.delete(uid);
      this.#writing.add(uid);
      void this.#send(pod, verdict).finally(() => {
        this.#writing.delete(uid);
        this.#next();
        if (this.#writing.size === 0) this.#drained?.();
      });
    }
  }

  async #send(pod: Pod, { reason, message, nominatedNodeName }: PodVerdict): Promise<void> {
    const { client, clock, signal, onError } = this.#options;
    const { name = '', namespace, uid } = pod.metadata;
    const known = scheduledCondition(pod);
    const condition: Condition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastTransitionTime:
        known?.status === 'False' && known.lastTransitionTime !== undefined
          ? known.lastTransitionTime
          : formatTime(clock.now()),
    };
    const status = {
      conditions: [condition],
      ...(nominatedNodeName === undefined ? {} : { nominatedNodeName: nominatedNodeName || null }),
    };
    try {
      await client
        .resource(resources.pods)
        .patch(
          name,
          { metadata: { uid }, status },
          { type: 'strategic', subresource: 'status', ...(namespace === undefined ? {} : { namespace }) },
        );
    } catch (error) {
      if (!signal.aborted && !isNotFound(error)) onError(error, `status of pod ${namespace}/${name}`);
    }
  }
}

function scheduledCondition(pod: Pod): Condition | undefined {
  return pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
}

function says(pod: Pod, { reason, message, nominatedNodeName }: PodVerdict): boolean {
  const condition = scheduledCondition(pod);
  return (
    condition?.status === 'False' &&
    condition.reason === reason &&
    condition.message === message &&
    (nominatedNodeName === undefined || nominatedNodeName === (pod.status?.nominatedNodeName ?? ''))
  );
}
