import { setTimeout as sleep } from 'node:timers/promises';
import type { Master } from '../cluster/master.js';
import { type Fault, type FaultContext, nothing } from './fault.js';

const anyFollower = ({ random, followers }: FaultContext): Master => random.pick(followers);
const anyMaster = ({ random, cluster }: FaultContext): Master => random.pick(cluster.masters);

function killing(name: string, does: string, whom: (context: FaultContext) => readonly Master[]): Fault {
  return {
    name,
    does,
    needs: [],
    holdMs: [200, 2_000],
    async inject(context) {
      await Promise.all(whom(context).map(async (master) => master.kill()));
      return nothing;
    },
  };
}

function pausing(name: string, does: string, whom: (context: FaultContext) => Master): Fault {
  return {
    name,
    does,
    needs: [],
    holdMs: [500, 4_000],
    async inject(context) {
      const master = whom(context);
      master.pause();
      return async () => master.resume();
    },
  };
}

export const processFaults: readonly Fault[] = [
  killing('kill-leader', 'kill -9 the leader', ({ leader }) => [leader]),
  killing('kill-follower', 'kill -9 a follower', (context) => [anyFollower(context)]),
  killing('kill-two', 'kill -9 the leader and a follower: no quorum', (context) => [
    context.leader,
    anyFollower(context),
  ]),
  killing('kill-all', 'kill -9 all masters at once', ({ cluster }) => cluster.masters),
  pausing('pause-leader', 'SIGSTOP the leader, and let it go on', ({ leader }) => leader),
  pausing('pause-follower', 'SIGSTOP a follower, and let it go on', anyFollower),
  {
    name: 'stutter',
    does: 'SIGSTOP and SIGCONT the leader again and again, around the election timeout',
    needs: [],
    holdMs: [0, 500],
    async inject({ leader, random }) {
      for (let i = 0; i < 6; i++) {
        leader.pause();
        await sleep(random.between(80, 500));
        leader.resume();
        await sleep(random.between(20, 300));
      }
      return nothing;
    },
  },
  {
    name: 'restart',
    does: 'stop a master in order, and start it again',
    needs: [],
    holdMs: [0, 1_000],
    async inject(context) {
      await context.cluster.stopMaster(anyMaster(context));
      return nothing;
    },
  },
  {
    name: 'rolling-restart',
    does: 'stop and start one master after the other, each when the last is back',
    needs: [],
    holdMs: [0, 0],
    async inject({ cluster, random }) {
      for (const master of random.shuffled(cluster.masters)) {
        await cluster.stopMaster(master);
        master.start();
        await cluster.healed();
      }
      return nothing;
    },
  },
];
