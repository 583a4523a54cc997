import { startEtcd } from '../targets/etcd.js';
import { startTrireme } from '../targets/trireme.js';
import type { BenchContext, RowGroup } from './context.js';
import { loadEtcd } from './etcd-load.js';
import type { EtcdWork } from './etcd-client.js';

const bytes = 512;
const warmupSeconds = 2;
const clientCounts = [1, 64, 1_000] as const;

interface Side {
  readonly name: string;
  readonly leader: string;
  readonly followers: readonly string[];
  readonly tls: EtcdWork['tls'];
  stop(): Promise<void>;
}

/** Trireme's etcd service on each master; its masters do nothing else, as etcd's members do nothing else. */
async function triremeSide(): Promise<Side> {
  const target = await startTrireme({ nodes: 0, args: ['--etcd-listen', '127.0.0.1:0'] });
  const { members, leader } = await target.status();
  const urlOf = (leads: boolean): string[] =>
    members.flatMap(({ name, etcd }) => (etcd !== undefined && (name === leader) === leads ? [etcd] : []));
  return {
    name: 'trireme',
    leader: urlOf(true)[0] ?? '',
    followers: urlOf(false),
    tls: target.etcdTls(),
    stop: target.stop,
  };
}

async function etcdSide(): Promise<Side> {
  const target = await startEtcd();
  const found = await target.members.leader();
  const { urls } = target.members;
  return {
    name: 'etcd',
    leader: urls[found?.index ?? 0] ?? '',
    followers: urls.filter((_, i) => i !== found?.index),
    tls: target.tls,
    stop: async () => target.stop(),
  };
}

async function measure(side: Side, { seconds, record }: BenchContext): Promise<void> {
  const work = { tls: side.tls, bytes, warmupSeconds, seconds };
  const all = [side.leader, ...side.followers];
  for (const clients of clientCounts) {
    const { perSecond, p50Ms } = await loadEtcd({ ...work, operation: 'put', urls: all, clients });
    if (clients === 1) record(side.name, 'put 512 B p50, 1 client', p50Ms);
    else record(side.name, `put 512 B, ${clients.toLocaleString('en-US')} clients`, perSecond);
  }
  for (const [where, urls] of [
    ['leader', [side.leader]],
    ['followers', side.followers],
  ] as const) {
    const { perSecond } = await loadEtcd({ ...work, operation: 'get', urls, clients: 64 });
    record(side.name, `linearizable get, 64 clients, ${where}`, perSecond);
  }
}

/** Durable writes and linearizable reads through etcd's API: the same client process on both sides. */
export const etcdRows: RowGroup = {
  name: 'etcd',
  summary: "durable puts and linearizable gets through etcd's API, mutual TLS, the same client process",
  run: async (context) => {
    const starts = [triremeSide, ...(context.has('etcd', 'puts and gets') ? [etcdSide] : [])];
    for (const start of starts) {
      const side = await start();
      try {
        await measure(side, context);
      } finally {
        await side.stop();
      }
    }
  },
};
