import { pbkdf2 } from 'node:crypto';
import { openReplica } from '#libs/consensus';
import type { MemberAddress, PeerTls, Replica } from '#libs/consensus';

export interface MemberSetup {
  readonly clusterId: string;
  readonly name: string;
  readonly memberId: number;
  readonly members: readonly MemberAddress[];
  readonly dataDir: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: PeerTls;
  /** Hashes of some 10 ms that are always under way in the thread pool. */
  readonly hashes?: number;
  readonly snapshotEntries?: number;
}

export type ToMember =
  | { readonly kind: 'open'; readonly setup: MemberSetup }
  | {
      readonly kind: 'load';
      readonly operation: 'put' | 'read';
      readonly clients: number;
      readonly ms: number;
      readonly bytes: number;
    }
  /** Writes until a write begun after `since` (epoch ms) is acknowledged. */
  | { readonly kind: 'recover'; readonly since: number }
  | { readonly kind: 'memory' };

export type FromMember =
  | { readonly kind: 'leadership'; readonly leader: string | undefined }
  | { readonly kind: 'loaded'; readonly latenciesMs: Float64Array; readonly errors: number }
  | { readonly kind: 'recovered'; readonly atMs: number }
  | { readonly kind: 'memory'; readonly mebibytes: number }
  | { readonly kind: 'trouble'; readonly message: string };

const tell = (message: FromMember): void => void process.send?.(message);
let replica: Replica;
let written = 0;

async function open({ hashes = 0, ...setup }: MemberSetup): Promise<void> {
  replica = await openReplica({
    ...setup,
    onFatal: (error) => {
      tell({ kind: 'trouble', message: error.message });
      process.exitCode = 1;
    },
    onWarning: (message) => tell({ kind: 'trouble', message }),
  });
  const hash = (): void => pbkdf2('password', 'salt', 20_000, 64, 'sha512', hash);
  for (let i = 0; i < hashes; i++) hash();
  replica.onLeadership(({ leader }) => tell({ kind: 'leadership', leader }));
}

const put = (value: Uint8Array): Promise<unknown> =>
  replica.txn({
    compare: [],
    success: [{ type: 'put', key: `/bench/${process.pid}/${written++ % 10_000}`, value }],
  });

async function load({ operation, clients, ms, bytes }: Extract<ToMember, { kind: 'load' }>): Promise<void> {
  const value = new Uint8Array(bytes).fill(120);
  const latencies: number[] = [];
  let errors = 0;
  const end = performance.now() + ms;
  const client = async (): Promise<void> => {
    for (;;) {
      const started = performance.now();
      if (started >= end) return;
      try {
        await (operation === 'put' ? put(value) : replica.barrier());
        latencies.push(performance.now() - started);
      } catch (error) {
        errors++;
        if (errors === 1) tell({ kind: 'trouble', message: String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  tell({ kind: 'loaded', latenciesMs: Float64Array.from(latencies), errors });
}

async function recover(since: number): Promise<void> {
  const value = new Uint8Array(512);
  for (;;) {
    const begun = Date.now();
    await put(value);
    if (begun > since) break;
  }
  tell({ kind: 'recovered', atMs: Date.now() });
}

process.on('message', (message: ToMember) => {
  const failed = (error: unknown): void => tell({ kind: 'trouble', message: String(error) });
  if (message.kind === 'open') open(message.setup).catch(failed);
  else if (message.kind === 'load') load(message).catch(failed);
  else if (message.kind === 'recover') recover(message.since).catch(failed);
  else tell({ kind: 'memory', mebibytes: Math.round(process.memoryUsage.rss() / 2 ** 20) });
});
process.on('disconnect', () => process.exit(0));
