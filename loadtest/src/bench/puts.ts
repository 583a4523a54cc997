/**
 * Durable puts and failover of the consensus room alone: three replicas as three processes, callers through
 * the Storage port inside them (no HTTP). Prints one JSON document with medians.
 *
 *     node dist/loadtest/src/bench/puts.js --clients 1,64,1000 --seconds 5 --runs 3 --kills 10
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureClusterPki } from '#libs/pki';
import { freePorts } from '../processes.js';
import type { FromMember, MemberSetup, ToMember } from './puts-member.js';

const { values: flags } = parseArgs({
  options: {
    clients: { type: 'string', default: '1,64,1000' },
    seconds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '3' },
    kills: { type: 'string', default: '10' },
    bytes: { type: 'string', default: '512' },
    /** Where callers are: on all members alike, or on the leader. */
    at: { type: 'string', default: 'all' },
    reads: { type: 'boolean', default: false },
    /** Hashes that keep the thread pool of the first member busy. */
    hashes: { type: 'string', default: '0' },
    /** Entries between snapshots; as by default where it is absent. */
    snapshots: { type: 'string' },
  },
});

interface Member {
  readonly setup: MemberSetup;
  child: ChildProcess;
  leader: string | undefined;
}

type Answer<K extends FromMember['kind']> = Extract<FromMember, { kind: K }>;

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
const percentile = (sorted: readonly number[], p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;

function start(setup: MemberSetup): Member {
  const entry = fileURLToPath(new URL('./puts-member.js', import.meta.url));
  const child = fork(entry, { serialization: 'advanced' });
  const member: Member = { setup, child, leader: undefined };
  child.on('message', (message: FromMember) => {
    if (message.kind === 'leadership') member.leader = message.leader;
    if (message.kind === 'trouble') process.stderr.write(`${setup.name}: ${message.message}\n`);
  });
  child.once('exit', (code) => {
    if (code === null || code === 0) return;
    process.stderr.write(`${setup.name} ended with code ${code}\n`);
    process.exit(1);
  });
  child.send({ kind: 'open', setup } satisfies ToMember);
  return member;
}

const answer = <K extends FromMember['kind']>(member: Member, kind: K): Promise<Answer<K>> =>
  new Promise((resolve) => {
    const take = (message: FromMember): void => {
      if (message.kind !== kind) return;
      member.child.off('message', take);
      resolve(message as Answer<K>);
    };
    member.child.on('message', take);
  });

async function settled(members: readonly Member[]): Promise<Member> {
  for (;;) {
    const name = members[0]?.leader;
    const found = members.find(({ setup }) => setup.name === name);
    if (found !== undefined && members.every(({ leader }) => leader === name)) return found;
    await pause(5);
  }
}

async function load(members: readonly Member[], kind: 'put' | 'read', clients: number): Promise<object> {
  const leader = await settled(members);
  const places = flags.at === 'leader' ? [leader] : members.slice(0, Math.min(members.length, clients));
  const results = await Promise.all(
    places.map(async (member, i) => {
      const share = Math.floor(clients / places.length) + (i < clients % places.length ? 1 : 0);
      const done = answer(member, 'loaded');
      const command = {
        kind: 'load',
        operation: kind,
        clients: share,
        ms: Number(flags.seconds) * 1000,
      } as const;
      member.child.send({ ...command, bytes: Number(flags.bytes) } satisfies ToMember);
      return done;
    }),
  );
  const latencies = results.flatMap(({ latenciesMs }) => Array.from(latenciesMs)).sort((a, b) => a - b);
  return {
    perSecond: Math.round(latencies.length / Number(flags.seconds)),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
  };
}

/** Kills the leader under a writer on each survivor; until the next write begun after the kill is acknowledged. */
async function killLeader(members: Member[]): Promise<number> {
  const leader = await settled(members);
  const survivors = members.filter((member) => member !== leader);
  const killedAt = Date.now();
  const times = survivors.map(async (member) => {
    const done = answer(member, 'recovered');
    member.child.send({ kind: 'recover', since: killedAt } satisfies ToMember);
    return (await done).atMs;
  });
  leader.child.kill('SIGKILL');
  const first = Math.min(...(await Promise.all(times)));
  members.splice(members.indexOf(leader), 1, start(leader.setup));
  await settled(members);
  return first - killedAt;
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'trireme-puts-'));
  const names = ['m1', 'm2', 'm3'];
  const pki = await ensureClusterPki(join(directory, 'pki'), { masters: names });
  const ports = await freePorts(names.length);
  const addresses = names.map((name, i) => ({ id: i + 1, name, host: '127.0.0.1', port: ports[i] ?? 0 }));
  const members = addresses.map((address) => {
    const peer = pki.masters[address.name]?.peer;
    if (peer === undefined) throw new Error(`no certificate for ${address.name}`);
    const { name, id, host, port } = address;
    const tls = { ca: pki.peerCa.certificate, ...peer };
    return start({
      name,
      memberId: id,
      members: addresses,
      dataDir: join(directory, name),
      listen: { host, port },
      tls,
      hashes: id === 1 ? Number(flags.hashes) : 0,
      ...(flags.snapshots === undefined ? {} : { snapshotEntries: Number(flags.snapshots) }),
    });
  });
  const report: Record<string, unknown> = { bytes: Number(flags.bytes), at: flags.at };
  try {
    await settled(members);
    await load(members, 'put', 16);
    for (const clients of (flags.clients ?? '').split(',').map(Number)) {
      for (const kind of flags.reads ? (['put', 'read'] as const) : (['put'] as const)) {
        const runs: Record<string, number>[] = [];
        for (let i = 0; i < Number(flags.runs); i++) {
          runs.push((await load(members, kind, clients)) as Record<string, number>);
        }
        const of = (key: string): number => Number(median(runs.map((run) => run[key] ?? 0)).toFixed(2));
        const summary = {
          perSecond: of('perSecond'),
          p50Ms: of('p50Ms'),
          p99Ms: of('p99Ms'),
          errors: of('errors'),
        };
        report[`${kind}s, ${clients} clients`] = { ...summary, runs: runs.map((run) => run['perSecond']) };
      }
    }
    const failovers: number[] = [];
    for (let i = 0; i < Number(flags.kills); i++) failovers.push(await killLeader(members));
    failovers.sort((a, b) => a - b);
    report['kill -9 to next acknowledged write, ms'] = {
      p50: percentile(failovers, 0.5),
      max: failovers.at(-1),
      rounds: failovers,
    };
    report['memory, MiB'] = await Promise.all(
      members.map(async (member) => {
        const done = answer(member, 'memory');
        member.child.send({ kind: 'memory' } satisfies ToMember);
        return (await done).mebibytes;
      }),
    );
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  } finally {
    for (const { child } of members) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
