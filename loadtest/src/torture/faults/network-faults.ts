import { setTimeout as sleep } from 'node:timers/promises';
import type { Direction } from '../cluster/network.js';
import type { Master } from '../cluster/master.js';
import { type Fault, type FaultContext, indexOf, peersOf } from './fault.js';

/** Cuts a master from its peers, by the kernel where it has a namespace, else by the masters' own fault injection. */
async function cut({ cluster }: FaultContext, master: Master, direction: Direction): Promise<void> {
  const peers = peersOf(cluster, master);
  if (cluster.network === undefined) {
    await master.partition(
      peers.map(({ name }) => name),
      direction,
    );
    return;
  }
  const addresses = peers.map(({ address }) => address);
  await cluster.network.cut(indexOf(cluster, master), addresses, direction);
}

async function heal({ cluster }: FaultContext): Promise<void> {
  if (cluster.network !== undefined) return cluster.network.heal();
  for (const master of cluster.masters) if (master.running) await master.partition([], 'both');
}

function partition(
  name: string,
  does: string,
  direction: Direction,
  whom: (context: FaultContext) => Master,
): Fault {
  return {
    name,
    does,
    needs: [],
    holdMs: [500, 3_500],
    async inject(context) {
      await cut(context, whom(context), direction);
      return async () => heal(context);
    },
  };
}

const theLeader = ({ leader }: FaultContext): Master => leader;
const aFollower = ({ random, followers }: FaultContext): Master => random.pick(followers);

export const networkFaults: readonly Fault[] = [
  partition('partition-leader', 'cut the leader from its peers; clients still reach it', 'both', theLeader),
  partition('partition-follower', 'cut a follower from its peers; clients still reach it', 'both', aFollower),
  partition('partition-leader-in', 'the leader hears nothing of its peers; they hear it', 'in', theLeader),
  partition('partition-leader-out', 'the leader’s peers hear nothing of it; it hears them', 'out', theLeader),
  partition('partition-follower-in', 'a follower hears nothing of its peers; they hear it', 'in', aFollower),
  partition('partition-follower-out', 'a follower’s peers hear nothing of it', 'out', aFollower),
  {
    name: 'flap',
    does: 'cut and join the leader again and again, around the election timeout',
    needs: [],
    holdMs: [0, 500],
    async inject(context) {
      for (let i = 0; i < 5; i++) {
        await cut(context, context.leader, context.random.pick(['both', 'in', 'out'] as const));
        await sleep(context.random.between(100, 700));
        await heal(context);
        await sleep(context.random.between(50, 300));
      }
      return async () => heal(context);
    },
  },
  {
    name: 'isolate-leader',
    does: 'cut the leader from peers and clients: as if its machine were gone',
    needs: ['namespaces'],
    holdMs: [500, 3_500],
    async inject(context) {
      const { cluster, leader } = context;
      const others = [...peersOf(cluster, leader).map(({ address }) => address), cluster.network!.clients];
      await cluster.network!.cut(indexOf(cluster, leader), others, 'both');
      return async () => heal(context);
    },
  },
  {
    name: 'bridge',
    does: 'cut the two masters that do not lead from each other: the leader alone reaches both',
    needs: ['namespaces'],
    holdMs: [500, 3_500],
    async inject(context) {
      const { cluster, followers } = context;
      const [one, other] = followers;
      await cluster.network!.cut(indexOf(cluster, one!), [other!.address], 'both');
      return async () => heal(context);
    },
  },
  {
    name: 'slow-links',
    does: 'slow one master’s or every master’s link',
    needs: ['namespaces', 'shaping'],
    holdMs: [1_000, 4_000],
    async inject(context) {
      const { cluster, capabilities, random } = context;
      const slowed = random.below(2) === 0 ? cluster.masters : [random.pick(cluster.masters)];
      for (const master of slowed) {
        await cluster.network!.slow(indexOf(cluster, master), capabilities.shaping!);
      }
      return async () => heal(context);
    },
  },
];
