import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { asLogIndex, asMemberId, asTerm, configurationOfVoters } from '#libs/raft';
import type { Message, RaftServer, SnapshotMetadata } from '#libs/raft';
import { listSnapshots, snapshotPath } from '../snapshot/snapshot-directory.js';
import { writeSnapshotFile } from '../snapshot/snapshot-file.js';
import { createPeerTls, freePorts, until } from '../testing/cluster.js';
import { sendSnapshot } from '../transport/snapshot-sender.js';
import { ConsensusThread } from './consensus-thread.js';
import type { FromThread, ToThread } from './protocol.js';

/** The core inside the thread under test: it is the real one, driven to what a peer's message would do to it. */
let raft: RaftServer | undefined;
vi.mock('#libs/raft', async (load) => {
  const real = await load<typeof import('#libs/raft')>();
  const createRaft: typeof real.createRaft = (options) => (raft = real.createRaft(options));
  return { ...real, createRaft };
});

class TestPort extends EventEmitter {
  readonly posted: FromThread[] = [];
  postMessage(message: FromThread): void {
    this.posted.push(message);
  }
  send(message: ToThread): void {
    this.emit('message', message);
  }
  has(kind: FromThread['kind']): boolean {
    return this.posted.some((one) => one.kind === kind);
  }
}

let directory: string;
let port: TestPort;
afterEach(async () => {
  port.send({ kind: 'stop' });
  await until('it stopped', () => port.has('stopped'));
  rmSync(directory, { recursive: true, force: true });
});

async function start(members: number) {
  directory = mkdtempSync(join(tmpdir(), 'trireme-thread-'));
  const snapshotDirectory = join(directory, 'snap');
  mkdirSync(snapshotDirectory);
  const ports = await freePorts(members);
  const all = ports.map((one, i) => ({ id: i + 1, name: `m${i + 1}`, host: '127.0.0.1', port: one }));
  const tls = await createPeerTls(all.map(({ name }) => name));
  port = new TestPort();
  const thread = new ConsensusThread(port, {
    clusterId: 'c',
    memberId: 1,
    members: all,
    addresses: all,
    joined: false,
    host: '127.0.0.1',
    port: ports[0] ?? 0,
    tls: tls.get('m1') as never,
    logDirectory: join(directory, 'wal'),
    snapshotDirectory,
    restored: undefined,
    tickMs: 20,
    electionTicks: members === 1 ? 10 : 10_000,
    heartbeatTicks: 1,
    segmentBytes: 64 << 10,
    logKeepBytes: undefined,
  });
  await thread.start();
  return { members: all, tls, snapshotDirectory };
}

const message = (type: Message['type'], term: number, snapshot?: SnapshotMetadata): Message => ({
  type,
  from: asMemberId(2),
  to: asMemberId(1),
  term: asTerm(term),
  logIndex: asLogIndex(0),
  logTerm: asTerm(0),
  commit: asLogIndex(0),
  entries: [],
  reject: false,
  rejectHint: asLogIndex(0),
  context: 0,
  snapshot,
  transfer: false,
});

describe('a write that is meant for one term', () => {
  it('is never forwarded, not even in the moment in which its leader was deposed', async () => {
    await start(1);
    const leads = (): boolean => raft?.status().softState.role === 'leader';
    await until('it leads', () => leads() && port.has('leadership'));
    const term = raft?.status().softState.term ?? 0;
    // What a peer's message does, before the turn ends in which it came.
    raft?.step(message('heartbeat', term + 1));
    expect(leads()).toBe(false);
    port.send({ kind: 'propose', table: Float64Array.of(7, term, 4), data: new ArrayBuffer(4) });
    expect(port.posted.at(-1)).toEqual({ kind: 'refused', numbers: [7], reason: 'fenced' });
  });
});

describe('a snapshot that a peer sent', () => {
  async function receive(announcedTerm: number) {
    const { members, tls, snapshotDirectory } = await start(2);
    raft?.step(message('heartbeat', 5));
    const snapshot = {
      index: asLogIndex(10),
      term: asTerm(3),
      configuration: configurationOfVoters([asMemberId(1), asMemberId(2)]),
    };
    const source = join(directory, 'sent.snap');
    await writeSnapshotFile(directory, source, snapshot, [new Uint8Array(1000)]);
    const warnings: string[] = [];
    const ok = await sendSnapshot(source, message('installSnapshot', announcedTerm, snapshot), {
      clusterId: 'c',
      self: members[1] as never,
      peer: members[0] as never,
      tls: tls.get('m2') as never,
      onSent: () => undefined,
      onWarning: (warning) => warnings.push(warning),
    });
    expect([ok, warnings]).toEqual([true, []]);
    return { snapshotDirectory, path: snapshotPath(snapshotDirectory, snapshot) };
  }

  it('is handed on, and its file stays, when the core takes it', async () => {
    const { path } = await receive(5);
    await until('it is handed on', () => port.has('install'));
    expect(existsSync(path)).toBe(true);
  });

  it('leaves no file for the next start when a later term had begun', async () => {
    const { snapshotDirectory } = await receive(4);
    await until('it has gone', () => listSnapshots(snapshotDirectory).length === 0);
    expect(port.has('install')).toBe(false);
    expect(port.has('fatal')).toBe(false);
  });
});
