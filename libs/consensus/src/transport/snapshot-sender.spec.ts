import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asLogIndex, asMemberId, asTerm } from '#libs/raft';
import type { Message } from '#libs/raft';
import { createPeerTls, freePorts } from '../testing/cluster.js';
import type { PeerTls } from './handshake.js';
import { PeerServer } from './peer-server.js';
import type { PeerContext } from './peer-server.js';
import { sendSnapshot } from './snapshot-sender.js';

const silenceMs = 500;
const announcement: Message = {
  type: 'installSnapshot',
  from: asMemberId(2),
  to: asMemberId(1),
  term: asTerm(1),
  logIndex: asLogIndex(0),
  logTerm: asTerm(0),
  commit: asLogIndex(0),
  entries: [],
  reject: false,
  rejectHint: asLogIndex(0),
  context: 0,
  snapshot: undefined,
  transfer: false,
};
let directory: string;
let tls: Map<string, PeerTls>;
let cleanUp: (() => Promise<unknown>)[] = [];
let received = 0;
let warnings: string[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-send-'));
  tls = await createPeerTls(['m1', 'm2']);
  received = 0;
  warnings = [];
});
afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
  rmSync(directory, { recursive: true, force: true });
});

/** Listens as member 1; what it does at a snapshot's end is the test's. */
async function receiver(onEnd: (context: PeerContext) => void, onChunk = (): void => undefined) {
  const ports = await freePorts(2);
  const members = ports.map((port, i) => ({ id: i + 1, name: `m${i + 1}`, host: '127.0.0.1', port }));
  const server = new PeerServer({
    clusterId: 'c',
    memberId: 1,
    known: () => ({ members, nextId: 3 }),
    host: '127.0.0.1',
    port: ports[0] ?? 0,
    tls: tls.get('m1') as PeerTls,
    onConnect: () => undefined,
    onDisconnect: () => undefined,
    onReceived: () => onChunk(),
    onWarning: (message) => warnings.push(message),
  });
  server.handle('raft.snapshot.chunk', (body) => (received += body.length));
  server.handle('raft.snapshot.end', (_, context) => onEnd(context));
  await new Promise<void>((resolve, reject) =>
    server.listen((error) => (error === undefined ? resolve() : reject(error))),
  );
  cleanUp.push(() => server.close());
  return ports[0] ?? 0;
}

/** A cable to `port` that is cut, with nobody told, once so many bytes have gone through it. */
async function cable(port: number, cutAfterBytes: number): Promise<number> {
  const sockets: Socket[] = [];
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    sockets.push(near, far);
    let passed = 0;
    near.on('data', (bytes) => {
      passed += bytes.length;
      if (passed < cutAfterBytes) return far.write(bytes);
      near.pause();
      return far.pause();
    });
    far.on('data', (bytes) => near.write(bytes));
    for (const socket of [near, far]) socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => proxy.close(resolve));
  });
  return (proxy.address() as AddressInfo).port;
}

function send(port: number, sizeBytes: number): Promise<boolean> {
  const path = join(directory, 'sent.snap');
  writeFileSync(path, Buffer.alloc(sizeBytes, 7));
  return sendSnapshot(path, announcement, {
    clusterId: 'c',
    self: { id: 2, name: 'm2', host: '127.0.0.1', port: 0 },
    peer: { id: 1, name: 'm1', host: '127.0.0.1', port },
    tls: tls.get('m2') as PeerTls,
    silenceMs,
    onSent: () => undefined,
    onWarning: (message) => warnings.push(message),
  });
}

describe('a snapshot on its way to a peer', () => {
  it('has arrived once the peer says so', async () => {
    const port = await receiver((context) => context.acknowledge());
    expect(await send(port, 3 << 20)).toBe(true);
    expect(received).toBe(3 << 20);
    expect(warnings).toEqual([]);
  });

  it('has failed soon after the cable is cut in the middle of it', async () => {
    const port = await cable(await receiver((context) => context.acknowledge()), 1 << 20);
    expect(await send(port, 32 << 20)).toBe(false);
    expect(warnings.join()).toMatch(/answered nothing for 500 ms/);
  });

  it('has failed soon after the cable is cut at its end, when all was handed to the kernel', async () => {
    const port = await cable(await receiver((context) => context.acknowledge()), 256 << 10);
    expect(await send(port, 256 << 10)).toBe(false);
    expect(warnings.join()).toMatch(/answered nothing for 500 ms/);
  });

  it('may take its peer longer to make durable than the silence that is borne, while it answers pings', async () => {
    let waiting: PeerContext | undefined;
    let endedAt = Infinity;
    const port = await receiver(
      (context) => {
        waiting = context;
        endedAt = performance.now();
      },
      // A ping came: the peer lives, and its disk is done at last.
      () => {
        if (performance.now() - endedAt > 2 * silenceMs) waiting?.acknowledge();
      },
    );
    expect(await send(port, 1 << 20)).toBe(true);
    expect(warnings).toEqual([]);
  });
});
