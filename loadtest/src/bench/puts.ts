/**
 * Durable puts and failover of the consensus room alone: three replicas as three processes, callers through
 * the Storage port inside them (no HTTP). Prints one JSON document with medians.
 *
 *     node dist/loadtest/src/bench/puts.js --clients 1,64,1000 --seconds 5 --runs 3 --kills 10
 */
import { parseArgs } from 'node:util';
import { answer, settled, startMember, startReplicas } from '../targets/replicas.js';
import type { Member } from '../targets/replicas.js';
import type { ToMember } from './puts-member.js';

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

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
const percentile = (sorted: readonly number[], p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;

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
  members.splice(members.indexOf(leader), 1, startMember(leader.setup));
  await settled(members);
  return first - killedAt;
}

async function main(): Promise<void> {
  const { members, stop } = await startReplicas({
    hashes: Number(flags.hashes),
    ...(flags.snapshots === undefined ? {} : { snapshotEntries: Number(flags.snapshots) }),
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
    stop();
  }
}

await main();
