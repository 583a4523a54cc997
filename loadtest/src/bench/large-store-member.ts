import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openReplica } from '#libs/consensus';
import type { Replica } from '#libs/consensus';
import type { MemberSetup } from './puts-member.js';

/** One replica of the large-store bench, with callers inside of it. */
export type ToLargeMember =
  | { readonly kind: 'open'; readonly setup: MemberSetup; readonly snapshotEntries: number }
  /** Creates keys [from, to) of `bytes` each. */
  | { readonly kind: 'fill'; readonly from: number; readonly to: number; readonly bytes: number }
  /** Puts from so many callers until 'stop'. */
  | { readonly kind: 'load'; readonly clients: number; readonly bytes: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'state' };

export interface MemberState {
  readonly kind: 'state';
  readonly leads: boolean;
  readonly appliedIndex: number;
  readonly sizeBytes: number;
  readonly snapshots: number;
  readonly snapshotSeconds: number;
  readonly rssMebibytes: number;
  /** Longest wait of the main thread's event loop since the last answer. */
  readonly loopDelayMaxMs: number;
}

export type FromLargeMember =
  | { readonly kind: 'opened'; readonly ms: number }
  | { readonly kind: 'filled' }
  /** Per put: when it was answered (epoch ms) and how long it took. */
  | { readonly kind: 'loaded'; readonly samples: Float64Array; readonly errors: number }
  | MemberState
  | { readonly kind: 'trouble'; readonly message: string };

const tell = (message: FromLargeMember): void => void process.send?.(message);
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
let replica: Replica;
const load = { stopping: false };

async function open({ setup, snapshotEntries }: Extract<ToLargeMember, { kind: 'open' }>): Promise<void> {
  const started = performance.now();
  replica = await openReplica({
    ...setup,
    clusterId: 'large-store',
    quotaBytes: 64 * 2 ** 30,
    snapshotEntries,
    onFatal: (error) => {
      tell({ kind: 'trouble', message: error.message });
      process.exitCode = 1;
    },
    onWarning: (message) => tell({ kind: 'trouble', message }),
  });
  const ms = performance.now() - started;
  loop.reset();
  tell({ kind: 'opened', ms });
}

const put = (key: string, value: Uint8Array): Promise<unknown> =>
  replica.txn({ compare: [], success: [{ type: 'put', key, value }] });

async function fill({ from, to, bytes }: Extract<ToLargeMember, { kind: 'fill' }>): Promise<void> {
  let next = from;
  const caller = async (): Promise<void> => {
    while (next < to) {
      const key = next++;
      await put(`/large/${key}`, new Uint8Array(bytes).fill(key));
    }
  };
  await Promise.all(Array.from({ length: 64 }, caller));
  tell({ kind: 'filled' });
}

async function run({ clients, bytes }: Extract<ToLargeMember, { kind: 'load' }>): Promise<void> {
  const value = new Uint8Array(bytes).fill(120);
  const samples: number[] = [];
  let errors = 0;
  let written = 0;
  load.stopping = false;
  const caller = async (): Promise<void> => {
    while (!load.stopping) {
      const started = performance.now();
      try {
        await put(`/load/${written++ % 10_000}`, value);
        samples.push(Date.now(), performance.now() - started);
      } catch (error) {
        errors++;
        if (errors === 1) tell({ kind: 'trouble', message: String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, caller));
  tell({ kind: 'loaded', samples: Float64Array.from(samples), errors });
}

function state(): MemberState {
  const { leadership, appliedIndex, sizeBytes } = replica.status();
  const { snapshotSeconds } = replica.metrics();
  const loopDelayMaxMs = loop.max / 1e6;
  loop.reset();
  return {
    kind: 'state',
    leads: leadership.isLeader,
    appliedIndex,
    sizeBytes,
    snapshots: snapshotSeconds.count,
    snapshotSeconds: snapshotSeconds.sum,
    rssMebibytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
    loopDelayMaxMs,
  };
}

process.on('message', (message: ToLargeMember) => {
  const failed = (error: unknown): void => tell({ kind: 'trouble', message: String(error) });
  if (message.kind === 'open') open(message).catch(failed);
  else if (message.kind === 'fill') fill(message).catch(failed);
  else if (message.kind === 'load') run(message).catch(failed);
  else if (message.kind === 'stop') load.stopping = true;
  else tell(state());
});
process.on('disconnect', () => process.exit(0));
