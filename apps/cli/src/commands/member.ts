import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { AdminClient, type MemberRecord } from '../cluster/admin-client.js';
import { askSupervisor } from '../cluster/control.js';
import { allocateEtcdPorts, anyPorts } from '../cluster/ports.js';
import { type ClusterState, httpsUrl, type MasterState } from '../cluster/state.js';
import { clusterStatus } from '../cluster/status.js';
import { UserError } from '../ui/errors.js';
import { formatTable } from '../ui/table.js';
import {
  chosenCluster,
  clusterOptions,
  duration,
  hostAndPort,
  type HostAndPort,
  oneOf,
  remoteOption,
  NamesArgument,
} from './options.js';

interface MemberFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly config?: string;
}

interface WaitFlags extends MemberFlags {
  readonly wait: number;
}

interface AddFlags extends MemberFlags {
  readonly role: MemberRecord['role'];
  readonly peer?: HostAndPort;
}

/** A master that leads, and a client for it. */
interface Access {
  readonly client: AdminClient;
  readonly leader: MasterState;
}

/** Who belongs to a cluster that runs, and changes of it. */
export function addMember(program: Command): void {
  const member = program.command('member').description('members of a cluster that runs, and changes of them');
  remoteOption(clusterOptions(member.command('list')))
    .description('show the members, as the leader knows them')
    .addOption(oneOf('-o, --output <format>', 'output format', ['table', 'json', 'yaml']).default('table'))
    .action(async (flags: MemberFlags & { readonly output: 'table' | 'json' | 'yaml' }) => {
      const members = await membersOf(await accessTo(chosenCluster(flags)));
      process.stdout.write(`${formatMembers(members, flags.output)}\n`);
    });
  remoteOption(clusterOptions(member.command('add')))
    .description(
      'add a member; of a cluster on this machine it is started, too. Prints its id, or how to start it',
    )
    .argument('<member>', 'name of the new member')
    .addOption(
      oneOf('--role <role>', 'what it is: a learner is promoted later, an observer never votes', [
        'learner',
        'observer',
        'voter',
      ]).default('learner'),
    )
    .option('--peer <host:port>', 'where its peers reach it; on this machine a free port', hostAndPort)
    .action(async (name: string, flags: AddFlags) => {
      const state = chosenCluster(flags);
      const access = await accessTo(state);
      if (flags.config === undefined) await addHere(state, access, name, flags.role);
      else await addElsewhere(access, name, flags);
    });
  remoteOption(clusterOptions(member.command('promote')))
    .description('make a learner a voter, once it holds nine tenths of the log')
    .addArgument(new NamesArgument('<member>', 'name or id'))
    .option('--wait <duration>', 'how long it may still take to catch up', duration, 60_000)
    .action(async (which: string, flags: WaitFlags) => promote(chosenCluster(flags), which, flags.wait));
  remoteOption(clusterOptions(member.command('remove')))
    .description('remove a member for good; on this machine it is ended, too, and its data put aside')
    .addArgument(new NamesArgument('<member>', 'name or id'))
    .option(
      '--wait <duration>',
      'how long those that would be left may still take to be in reach',
      duration,
      10_000,
    )
    .action(async (which: string, flags: WaitFlags) => remove(chosenCluster(flags), which, flags));
}

async function accessTo(state: ClusterState): Promise<Access> {
  const { leader } = await clusterStatus(state);
  const found = state.masters.find(({ name }) => name === leader);
  if (found === undefined) throw new UserError('the cluster has no leader now', 'see `trireme status`');
  return { client: await AdminClient.open(state), leader: found };
}

const membersOf = async ({ client, leader }: Access): Promise<readonly MemberRecord[]> =>
  client.members(leader);

function formatMembers(members: readonly MemberRecord[], output: 'table' | 'json' | 'yaml'): string {
  const shown = members.map(({ id, name, role, host, port }) => ({
    id,
    name,
    role,
    peer: httpsUrl(host, port),
  }));
  if (output === 'json') return JSON.stringify({ members: shown }, undefined, 2);
  if (output === 'yaml') return stringify({ members: shown }).trimEnd();
  const rows = shown.map(({ id, name, role, peer }) => [String(id), name, role, peer]);
  return formatTable(['ID', 'MEMBER', 'ROLE', 'PEER'], rows);
}

async function find(access: Access, which: string): Promise<MemberRecord> {
  const members = await membersOf(access);
  const found = members.find(({ id, name }) => name === which || String(id) === which);
  if (found !== undefined) return found;
  throw new UserError(
    `there is no member "${which}"`,
    `members: ${members.map(({ name }) => name).join(', ')}`,
  );
}

/** Ports and certificates are this machine's business; the supervisor starts it and keeps it running. */
async function addHere(
  state: ClusterState,
  { client, leader }: Access,
  name: string,
  role: MemberRecord['role'],
): Promise<void> {
  if (state.masters.some((master) => master.name === name))
    throw new UserError(`there is a member "${name}" already`);
  const dataDir = join(state.dataDir, 'masters', name);
  if (existsSync(dataDir)) {
    throw new UserError(
      `${dataDir} holds data of an earlier member`,
      'move it away, or give the new member another name',
    );
  }
  const ports = await anyPorts();
  const [etcdPort] = state.etcdHost === undefined ? [] : await allocateEtcdPorts(0, 1);
  const id = await client.addMember(leader, { name, role, host: '127.0.0.1', port: ports.peerPort });
  const master: MasterState = {
    name,
    id,
    joined: true,
    ...ports,
    ...(role === 'observer' ? { observer: true } : {}),
    ...(etcdPort === undefined ? {} : { etcdPort }),
  };
  await askSupervisor(state.dataDir, { command: 'adopt', master });
  process.stdout.write(`${id}\n`);
}

/** Prints what the new master's configuration has to say beside what all share. */
async function addElsewhere(access: Access, name: string, { role, peer }: AddFlags): Promise<void> {
  if (peer === undefined)
    throw new UserError('--peer is missing', 'say where the other masters reach the new one, as host:port');
  const memberId = await access.client.addMember(access.leader, { name, role, ...peer });
  const members = (await membersOf(access)).map(({ id, host, port, name: each }) => ({
    id,
    name: each,
    host,
    port,
  }));
  process.stdout.write(`${JSON.stringify({ name, memberId, join: true, members }, undefined, 2)}\n`);
}

async function promote(state: ClusterState, which: string, waitMs: number): Promise<void> {
  await changed(waitMs, /does not hold enough|no leader/, async () => {
    const access = await accessTo(state);
    const { id } = await find(access, which);
    await access.client.changeMember(access.leader, 'promote', id);
  });
}

async function remove(state: ClusterState, which: string, flags: WaitFlags): Promise<void> {
  const { id, name } = await find(await accessTo(state), which);
  await changed(flags.wait, /would lose its quorum|no leader/, async () => {
    const { client, leader } = await accessTo(state);
    // A leader hands over before it goes, and could end before it has answered: another member is asked to.
    const others = state.masters.filter((master) => master.name !== name);
    await client.changeMember(leader.name === name ? await reachable(client, others) : leader, 'remove', id);
  });
  if (flags.config !== undefined || !state.masters.some((master) => master.name === name)) return;
  await askSupervisor(state.dataDir, { command: 'dismiss', master: name });
  const dataDir = join(state.dataDir, 'masters', name);
  if (existsSync(dataDir)) renameSync(dataDir, `${dataDir}.removed-${id}`);
}

/** A change that is refused for what may pass (a learner lags, a member does not answer just now) is asked for again. */
async function changed(waitMs: number, passing: RegExp, ask: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!passing.test((error as Error).message) || Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function reachable(client: AdminClient, masters: readonly MasterState[]): Promise<MasterState> {
  for (const master of masters) if ((await client.report(master))?.quorum === true) return master;
  throw new UserError('no other master has a quorum', 'see `trireme status`');
}
