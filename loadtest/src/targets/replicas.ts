import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ensureClusterPki } from '#libs/pki';
import type { FromMember, MemberSetup, ToMember } from '../bench/puts-member.js';
import { freePorts } from '../processes.js';

/** One replica of the consensus room alone, in a process of its own. */
export interface Member {
  readonly setup: MemberSetup;
  readonly child: ChildProcess;
  /** By name, as it knows it. */
  leader: string | undefined;
}

type Answer<K extends FromMember['kind']> = Extract<FromMember, { kind: K }>;

export function startMember(setup: MemberSetup): Member {
  const entry = fileURLToPath(new URL('../bench/puts-member.js', import.meta.url));
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

/** The next message of a kind that a replica sends. */
export const answer = <K extends FromMember['kind']>(member: Member, kind: K): Promise<Answer<K>> =>
  new Promise((resolve) => {
    const take = (message: FromMember): void => {
      if (message.kind !== kind) return;
      member.child.off('message', take);
      resolve(message as Answer<K>);
    };
    member.child.on('message', take);
  });

/** The leader, once all agree on it. */
export async function settled(members: readonly Member[]): Promise<Member> {
  for (;;) {
    const name = members[0]?.leader;
    const found = members.find(({ setup }) => setup.name === name);
    if (found !== undefined && members.every(({ leader }) => leader === name)) return found;
    await pause(5);
  }
}

export interface Replicas {
  /** May be replaced by others of the same setup. */
  readonly members: Member[];
  stop(): void;
}

/** Three replicas with certificates of their own; `hashes` keep the thread pool of the first busy. */
export async function startReplicas({
  hashes = 0,
  snapshotEntries,
}: Pick<MemberSetup, 'hashes' | 'snapshotEntries'> = {}): Promise<Replicas> {
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
    return startMember({
      clusterId: 'puts',
      name,
      memberId: id,
      members: addresses,
      dataDir: join(directory, name),
      listen: { host, port },
      tls,
      hashes: id === 1 ? hashes : 0,
      ...(snapshotEntries === undefined ? {} : { snapshotEntries }),
    });
  });
  return {
    members,
    stop: () => {
      for (const { child } of members) child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
