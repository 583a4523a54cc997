import { startEtcd } from '../targets/etcd.js';
import { settled, startReplicas } from '../targets/replicas.js';
import { startTrireme } from '../targets/trireme.js';
import type { BenchContext, RowGroup } from './context.js';
import { loadStore } from './store-load.js';
import type { StoreWork } from './store-client.js';

const bytes = 512;
const warmupSeconds = 2;
const portPrefix = 'peer port: ';
const clientCounts = [1, 64, 1_000] as const;

type Servers = Pick<StoreWork, 'urls' | 'tls' | 'port'>;

interface Side {
  readonly name: string;
  /** How each is asked. */
  readonly leader: Servers;
  readonly followers: Servers;
  readonly all: Servers;
  stop(): Promise<void>;
}

function etcdServers(
  tls: StoreWork['tls'],
  leader: string,
  followers: readonly string[],
): Pick<Side, 'leader' | 'followers' | 'all'> {
  const of = (urls: readonly string[]): Servers => ({ urls, tls });
  return { leader: of([leader]), followers: of(followers), all: of([leader, ...followers]) };
}

/** Trireme's etcd service on each master; its masters do nothing else, as etcd's members do nothing else. */
async function triremeSide(): Promise<Side> {
  const target = await startTrireme({ nodes: 0, args: ['--etcd-listen', '127.0.0.1:0'] });
  const { members, leader } = await target.status();
  const urlOf = (leads: boolean): string[] =>
    members.flatMap(({ name, etcd }) => (etcd !== undefined && (name === leader) === leads ? [etcd] : []));
  return {
    name: 'trireme',
    ...etcdServers(target.etcdTls(), urlOf(true)[0] ?? '', urlOf(false)),
    stop: target.stop,
  };
}

async function etcdSide(): Promise<Side> {
  const target = await startEtcd();
  const found = await target.members.leader();
  const { urls } = target.members;
  return {
    name: 'etcd',
    ...etcdServers(
      target.tls,
      urls[found?.index ?? 0] ?? '',
      urls.filter((_, i) => i !== found?.index),
    ),
    stop: async () => target.stop(),
  };
}

/** Three replicas of the consensus room alone, asked over their peer port. */
async function portSide(): Promise<Side> {
  const replicas = await startReplicas();
  const leader = await settled(replicas.members);
  const setups = replicas.members.map(({ setup }) => setup);
  const of = (wanted: (setup: (typeof setups)[number]) => boolean): Servers => {
    const { members, memberId, tls } = leader.setup;
    const names = setups.filter(wanted).map(({ name }) => name);
    const self = members.find(({ id }) => id === memberId)!;
    const asked = members.filter(({ name }) => names.includes(name));
    return {
      urls: [],
      tls: { ca: '', cert: '', key: '' },
      port: { clusterId: leader.setup.clusterId, members: asked, self, tls },
    };
  };
  return {
    name: 'trireme',
    leader: of((setup) => setup === leader.setup),
    followers: of((setup) => setup !== leader.setup),
    all: of(() => true),
    stop: () => Promise.resolve(replicas.stop()),
  };
}

/** `prefix` tells the rows of one way in from those of another. */
async function measure(side: Side, { seconds, record }: BenchContext, prefix: string): Promise<void> {
  const work = { bytes, warmupSeconds, seconds };
  for (const clients of clientCounts) {
    const { perSecond, p50Ms } = await loadStore({
      ...work,
      ...side.all,
      operation: 'put',
      clients,
    });
    if (clients === 1) record(side.name, `${prefix}put 512 B p50, 1 client`, p50Ms);
    else record(side.name, `${prefix}put 512 B, ${clients.toLocaleString('en-US')} clients`, perSecond);
  }
  for (const where of ['leader', 'followers'] as const) {
    const { perSecond } = await loadStore({ ...work, ...side[where], operation: 'get', clients: 64 });
    record(side.name, `${prefix}linearizable get, 64 clients, ${where}`, perSecond);
  }
}

async function measureBoth(
  context: BenchContext,
  trireme: () => Promise<Side>,
  prefix: string,
): Promise<void> {
  for (const start of [trireme, ...(context.has('etcd', 'puts and gets') ? [etcdSide] : [])]) {
    const side = await start();
    try {
      await measure(side, context, prefix);
    } finally {
      await side.stop();
    }
  }
}

/** Durable writes and linearizable reads through etcd's API: the same client process on both sides. */
export const etcdRows: RowGroup = {
  name: 'etcd',
  summary: "durable puts and linearizable gets through etcd's API, mutual TLS, the same client process",
  run: async (context) => measureBoth(context, triremeSide, ''),
};

/** The same through Trireme's own port, beside etcd through etcd's. */
export const portRows: RowGroup = {
  name: 'port',
  summary: 'the same through the peer port of replicas of the consensus room alone',
  run: async (context) => measureBoth(context, portSide, portPrefix),
};
