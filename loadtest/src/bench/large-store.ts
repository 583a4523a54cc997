/**
 * A store of a gigabyte: what snapshots, a follower that has to be sent one, and a restart cost, and what writers notice of
 * it. Three replicas as three processes; prints one JSON document.
 *
 *     node --max-old-space-size=4096 dist/loadtest/src/bench/large-store.js --mebibytes 1024 --clients 16
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureClusterPki } from '#libs/pki';
import { freePorts } from '../processes.js';
import type { FromLargeMember, MemberState, ToLargeMember } from './large-store-member.js';
import type { MemberSetup } from './puts-member.js';

const { values: flags } = parseArgs({
  options: {
    mebibytes: { type: 'string', default: '1024' },
    valueBytes: { type: 'string', default: '4096' },
    clients: { type: 'string', default: '16' },
    /** Entries between snapshots. */
    snapshotEntries: { type: 'string', default: '60000' },
    quietSeconds: { type: 'string', default: '5' },
  },
});

interface Member {
  readonly setup: MemberSetup;
  child: ChildProcess;
}

type Answer<K extends FromLargeMember['kind']> = Extract<FromLargeMember, { kind: K }>;

function start(setup: MemberSetup): Member {
  const entry = fileURLToPath(new URL('./large-store-member.js', import.meta.url));
  const child = fork(entry, { serialization: 'advanced', execArgv: ['--max-old-space-size=4096'] });
  child.on('message', (message: FromLargeMember) => {
    if (message.kind === 'trouble') process.stderr.write(`${setup.name}: ${message.message}\n`);
  });
  return { setup, child };
}

const answer = <K extends FromLargeMember['kind']>(member: Member, kind: K): Promise<Answer<K>> =>
  new Promise((resolve) => {
    const take = (message: FromLargeMember): void => {
      if (message.kind !== kind) return;
      member.child.off('message', take);
      resolve(message as Answer<K>);
    };
    member.child.on('message', take);
  });

function ask<K extends FromLargeMember['kind']>(
  member: Member,
  message: ToLargeMember,
  kind: K,
): Promise<Answer<K>> {
  const done = answer(member, kind);
  member.child.send(message);
  return done;
}

const open = (member: Member): Promise<Answer<'opened'>> =>
  ask(
    member,
    { kind: 'open', setup: member.setup, snapshotEntries: Number(flags.snapshotEntries) },
    'opened',
  );
const state = (member: Member): Promise<MemberState> => ask(member, { kind: 'state' }, 'state');

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(20);
}

async function leaderOf(members: readonly Member[]): Promise<Member> {
  for (;;) {
    for (const member of members) if ((await state(member)).leads) return member;
    await pause(20);
  }
}

interface Window {
  readonly from: number;
  readonly to: number;
}

/** Latencies of puts that were answered within any of the windows. */
function summary(samples: Float64Array, windows: readonly Window[]): object {
  const latencies: number[] = [];
  for (let i = 0; i < samples.length; i += 2) {
    const at = samples[i] ?? 0;
    if (windows.some(({ from, to }) => at >= from && at <= to)) latencies.push(samples[i + 1] ?? 0);
  }
  latencies.sort((a, b) => a - b);
  const at = (part: number): number =>
    Number((latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0).toFixed(2));
  const seconds = windows.reduce((sum, { from, to }) => sum + (to - from) / 1000, 0);
  return {
    perSecond: Math.round(latencies.length / Math.max(seconds, 0.001)),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

/** Runs `work` under load on the leader; returns what the writers noticed while it ran, and what `work` returned. */
async function underLoad<T>(
  leader: Member,
  work: () => Promise<T>,
): Promise<{ writers: object; result: T; samples: Float64Array }> {
  const loaded = answer(leader, 'loaded');
  leader.child.send({ kind: 'load', clients: Number(flags.clients), bytes: 512 } satisfies ToLargeMember);
  await pause(500);
  const from = Date.now();
  const result = await work();
  const to = Date.now();
  leader.child.send({ kind: 'stop' } satisfies ToLargeMember);
  const { samples, errors } = await loaded;
  return { writers: { ...summary(samples, [{ from, to }]), errors }, result, samples };
}

/** Waits until the leader has written a whole snapshot under the load; returns when that ran. */
async function oneSnapshot(leader: Member): Promise<Window & { readonly seconds: number }> {
  const before = await state(leader);
  let after = before;
  await until(async () => (after = await state(leader)).snapshots > before.snapshots);
  const seconds = after.snapshotSeconds - before.snapshotSeconds;
  const to = Date.now();
  return { from: to - seconds * 1000, to, seconds };
}

/** Time until a member that begins to run has opened its directory, and until it has applied what the leader had then. */
async function comeBack(members: Member[], at: number, leader: Member): Promise<object> {
  const member = start(members[at]!.setup);
  members[at] = member;
  const began = performance.now();
  const opened = await open(member);
  const { appliedIndex: wanted } = await state(leader);
  let last = await state(member);
  let loopDelayMaxMs = last.loopDelayMaxMs;
  let rssMebibytes = 0;
  await until(async () => {
    last = await state(member);
    loopDelayMaxMs = Math.max(loopDelayMaxMs, last.loopDelayMaxMs);
    rssMebibytes = Math.max(rssMebibytes, last.rssMebibytes);
    return last.appliedIndex >= wanted;
  });
  return {
    openMs: Math.round(opened.ms),
    caughtUpMs: Math.round(performance.now() - began),
    loopDelayMaxMs: Math.round(loopDelayMaxMs),
    rssMebibytes,
  };
}

async function stop(member: Member): Promise<void> {
  const ended = new Promise((resolve) => member.child.once('exit', resolve));
  member.child.kill('SIGKILL');
  await ended;
}

function mebibytesOf(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  return Math.round(bytes / 2 ** 20);
}

async function measure(members: Member[]): Promise<object> {
  const report: Record<string, unknown> = {
    mebibytes: Number(flags.mebibytes),
    clients: Number(flags.clients),
  };
  await Promise.all(members.map(open));
  const leader = await leaderOf(members);
  const keys = Math.floor((Number(flags.mebibytes) * 2 ** 20) / Number(flags.valueBytes));
  const filling = performance.now();
  await ask(leader, { kind: 'fill', from: 0, to: keys, bytes: Number(flags.valueBytes) }, 'filled');
  report['fillSeconds'] = Math.round((performance.now() - filling) / 1000);
  const sizes = (): number[] => members.map(({ setup }) => mebibytesOf(setup.dataDir));

  const quiet = await underLoad(leader, () => pause(Number(flags.quietSeconds) * 1000));
  report['writers, nothing else'] = quiet.writers;
  const snapshot = await underLoad(leader, () => oneSnapshot(leader));
  const leaderState = await state(leader);
  report['snapshot'] = {
    seconds: Number(snapshot.result.seconds.toFixed(2)),
    writers: summary(snapshot.samples, [snapshot.result]),
    loopDelayMaxMs: Math.round(leaderState.loopDelayMaxMs),
  };
  report['diskMebibytes'] = sizes();

  const followers = members.filter((member) => member !== leader);
  const [empty, restarted] = followers.map((member) => members.indexOf(member)) as [number, number];
  await stop(members[empty]!);
  rmSync(members[empty]!.setup.dataDir, { recursive: true });
  const install = await underLoad(leader, () => comeBack(members, empty, leader));
  report['follower without data: sent and installed'] = { ...install.result, writers: install.writers };
  await stop(members[restarted]!);
  report['restart'] = await comeBack(members, restarted, leader);
  const states = await Promise.all(members.map(state));
  report['storeMebibytes'] = Math.round((states[0]?.sizeBytes ?? 0) / 2 ** 20);
  report['rssMebibytes'] = states.map(({ rssMebibytes }) => rssMebibytes);
  report['diskMebibytesAtTheEnd'] = sizes();
  return report;
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'trireme-large-store-'));
  const names = ['m1', 'm2', 'm3'];
  const pki = await ensureClusterPki(join(directory, 'pki'), { masters: names });
  const ports = await freePorts(names.length);
  const addresses = names.map((name, i) => ({ id: i + 1, name, host: '127.0.0.1', port: ports[i] ?? 0 }));
  const members = addresses.map(({ id, name, host, port }) => {
    const peer = pki.masters[name]?.peer;
    if (peer === undefined) throw new Error(`no certificate for ${name}`);
    const tls = { ca: pki.peerCa.certificate, ...peer };
    return start({
      name,
      memberId: id,
      members: addresses,
      clusterId: 'large-store',
      dataDir: join(directory, name),
      listen: { host, port },
      tls,
    });
  });
  try {
    process.stdout.write(`${JSON.stringify(await measure(members), undefined, 2)}\n`);
  } finally {
    for (const { child } of members) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
