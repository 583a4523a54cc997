import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, encodeCommand } from '#libs/mvcc';
import { asLogIndex, asMemberId, asTerm, configurationOfVoters } from '#libs/raft';
import type { SnapshotMetadata } from '#libs/raft';
import { nodeDisk } from '../environment/disk.js';
import { restoreState } from '../replica/state.js';
import { snapshotPath } from './snapshot-directory.js';
import {
  SnapshotDamagedError,
  readSnapshotFile,
  readSnapshotFileMetadata,
  writeSnapshotFile,
} from './snapshot-file.js';
import { SnapshotReceiver } from './snapshot-receiver.js';

/** A snapshot is what was written, or it is nothing: as a file, and on its way from a leader. */

const metadata: SnapshotMetadata = {
  index: asLogIndex(30),
  term: asTerm(3),
  configuration: configurationOfVoters([1, 2, 3].map(asMemberId)),
};
let directory: string;
let path: string;
let whole: Buffer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-snapshot-'));
  const store = createStore();
  for (let index = 1; index <= metadata.index; index++) {
    const id = { session: 1, sequence: index, answeredBelow: index };
    const value = new Uint8Array(50).fill(index);
    const success = [{ type: 'put' as const, key: `k/${index % 9}`, value }];
    store.apply(index, 3, encodeCommand({ type: 'txn', id, compare: [], success, failure: [] }));
  }
  path = snapshotPath(directory, metadata);
  await writeSnapshotFile(directory, path, metadata, store.snapshot());
  whole = readFileSync(path);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function start(bytes: Buffer): { readonly index: number | undefined; readonly bad: readonly string[] } {
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  writeFileSync(path, bytes);
  const bad: string[] = [];
  const restored = restoreState(directory, (aside) => bad.push(aside), nodeDisk);
  return { index: restored?.metadata.index, bad };
}

const flipped = (bit: number): Buffer => {
  const bytes = Buffer.from(whole);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes;
};

describe('a snapshot file', () => {
  it('with any bit changed, or cut anywhere, is put aside and nothing of it is served', () => {
    expect(start(whole)).toEqual({ index: 30, bad: [] });
    const refused = { index: undefined, bad: [`${path}.bad`] };
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
        expect(start(flipped(bit)), `bit ${bit}`).toEqual(refused);
      }),
      { numRuns: 400, seed: 21 },
    );
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => {
        expect(start(whole.subarray(0, length)), `${length} bytes`).toEqual(refused);
      }),
      { numRuns: 100, seed: 22 },
    );
  }, 60_000);

  it('of any bytes is none: an error, in no time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, begins) => {
        writeFileSync(path, begins ? Buffer.concat([whole.subarray(0, 16), bytes]) : bytes);
        expect(() => readSnapshotFileMetadata(path)).toThrow(SnapshotDamagedError);
        expect(() => [...readSnapshotFile(path)]).toThrow(SnapshotDamagedError);
      }),
      { numRuns: 300, seed: 23 },
    );
  }, 60_000);
});

describe('a snapshot on its way', () => {
  it('arrives as it was sent, however it is cut into chunks, or not under its name', async () => {
    const crc = crc32(whole);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: whole.length }),
        fc.option(fc.nat(whole.length * 8 - 1)),
        fc.nat(3),
        async (size, bit, lost) => {
          for (const name of readdirSync(directory)) rmSync(join(directory, name));
          const sent = bit === null ? whole : flipped(bit);
          const receiver = new SnapshotReceiver(directory, 'received');
          const end = lost === 0 ? sent.length - 1 : sent.length;
          for (let at = 0; at < end; at += size)
            await receiver.write(sent.subarray(at, Math.min(end, at + size)));
          const arrived = await receiver.finish(metadata, crc).catch(() => undefined);
          if (bit === null && lost !== 0) {
            expect(readFileSync(arrived ?? '').equals(whole)).toBe(true);
          } else {
            expect(arrived).toBeUndefined();
            await receiver.abandon();
            expect(readdirSync(directory)).toEqual([]);
          }
        },
      ),
      { numRuns: 150, seed: 24 },
    );
  }, 60_000);

  it('of another entry than was announced is refused', async () => {
    const receiver = new SnapshotReceiver(directory, 'other');
    await receiver.write(whole);
    const other = { ...metadata, index: asLogIndex(31) };
    await expect(receiver.finish(other, crc32(whole))).rejects.toThrow('was announced');
    await receiver.abandon();
  });
});
