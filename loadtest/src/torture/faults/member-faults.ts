import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { TortureCluster } from '../cluster/cluster.js';
import type { Master } from '../cluster/master.js';
import { type Fault, nothing } from './fault.js';

interface Member {
  readonly id: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly role: string;
}

async function membersOf(leader: Master): Promise<readonly Member[]> {
  return (await leader.ask<{ readonly members: readonly Member[] }>('GET', 'members')).members;
}

/** As the runbook has it: a new member under the old name, with a new id and nothing on its disk. */
async function replace(cluster: TortureCluster, master: Master): Promise<void> {
  const named = (members: readonly Member[]): Member | undefined =>
    members.find(({ name }) => name === master.name);
  const old = await cluster.withLeader('the members', async (leader) => named(await membersOf(leader)));
  if (old === undefined) throw new Error(`${master.name} is no member`);
  const { id, name, host, port } = old;
  await cluster.withLeader('removal', async (leader) => {
    if ((await membersOf(leader)).some((member) => member.id === id)) {
      await leader.ask('POST', 'members/remove', { id });
    }
  });
  await master.kill();
  rmSync(master.dataDir, { recursive: true });
  const members = await cluster.withLeader('addition', async (leader) => {
    if (named(await membersOf(leader)) === undefined) {
      await leader.ask('POST', 'members/add', { name, role: 'learner', host, port });
    }
    return membersOf(leader);
  });
  const added = named(members)!.id;
  const config = JSON.parse(readFileSync(master.configFile, 'utf8')) as object;
  const known = members.map(({ id, name, host, port }) => ({ id, name, host, port }));
  const joining = { ...config, memberId: added, members: known, join: true };
  writeFileSync(master.configFile, JSON.stringify(joining, undefined, 2));
  master.start();
  await cluster.withLeader('promotion', async (leader) => {
    if (named(await membersOf(leader))?.role === 'learner') {
      await leader.ask('POST', 'members/promote', { id: added });
    }
  });
}

export const memberFaults: readonly Fault[] = [
  {
    name: 'replace-member',
    does: 'remove a member that runs, and put a new one with an empty disk in its place',
    needs: [],
    // A removed member ends by itself: starting it again would be of no use.
    endsMasters: true,
    holdMs: [0, 500],
    async inject({ cluster, random }) {
      await replace(cluster, random.pick(cluster.masters));
      return nothing;
    },
  },
  {
    name: 'replace-dead',
    does: 'kill -9 the leader for good, and put a new member with an empty disk in its place',
    needs: [],
    holdMs: [0, 500],
    async inject({ cluster, leader }) {
      await leader.kill();
      await replace(cluster, leader);
      return nothing;
    },
  },
];
