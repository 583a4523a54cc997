import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asLogIndex, asMemberId, asTerm, configurationOfVoters } from '#libs/raft';
import type { Entry } from '#libs/raft';
import { DataDirectoryError } from '../errors.js';
import { RaftLog } from './raft-log.js';
import { decodeRecord, encodeRecord, recordHeaderBytes } from './record.js';

/** Whatever happens to the bytes of a log, it is opened as it was, without its very last write, or not at all. */

const segmentBytes = 8 << 10;
const lastIndex = 90;
let directory: string;
let files: ReadonlyMap<string, Buffer>;

const entry = (index: number): Entry => ({
  term: asTerm(1 + Math.floor(index / 10)),
  index: asLogIndex(index),
  type: index === 7 ? 'configuration' : 'normal',
  data: new Uint8Array(30 + ((index * 37) % 600)).fill(index),
});

interface Opened {
  readonly log: RaftLog;
  readonly torn: boolean;
}

function open(): Opened {
  const seen = { torn: false };
  const log = new RaftLog({
    directory,
    clusterId: 'c',
    memberId: 1,
    initialConfiguration: configurationOfVoters([asMemberId(1)]),
    restored: undefined,
    segmentBytes,
    onFatal: (error) => expect.unreachable(error.message),
    onTorn: () => (seen.torn = true),
  });
  return { log, torn: seen.torn };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-damage-'));
  const { log } = open();
  for (let index = 1; index <= lastIndex; index++) {
    const one = entry(index);
    const hardState = { term: one.term, vote: asMemberId(1), commit: asLogIndex(index - 1) };
    await new Promise<void>((done) =>
      log.append({ sequence: index, hardState, entries: [one], snapshot: undefined }, done),
    );
  }
  await log.close();
  const names = readdirSync(directory).filter((name) => name.endsWith('.wal'));
  files = new Map(names.map((name) => [name, readFileSync(join(directory, name))]));
  expect(names.length).toBeGreaterThan(2);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function restoreFiles(): void {
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes);
}

/** Opens what is there; what it holds must be what was written, but for the last entry where a cut was reported. */
async function expectSameOrRefused(): Promise<'same' | 'cut' | 'refused'> {
  let opened: Opened;
  try {
    opened = open();
  } catch (error) {
    expect(error).toBeInstanceOf(DataDirectoryError);
    return 'refused';
  }
  const { log, torn } = opened;
  const entries = log.entries(log.firstIndex(), asLogIndex(lastIndex + 1), Infinity);
  const { hardState } = log.initialState();
  await log.close();
  const expected = torn ? [lastIndex, lastIndex - 1] : [lastIndex];
  expect(expected).toContain(entries.length);
  entries.forEach(({ term, index, type, data }, i) => {
    const original = entry(i + 1);
    expect([term, index, type]).toEqual([original.term, original.index, original.type]);
    expect(Buffer.compare(data, original.data)).toBe(0);
  });
  expect(hardState.commit).toBe(entries.length - 1);
  return entries.length === lastIndex ? 'same' : 'cut';
}

const place = fc.record({ file: fc.nat(), at: fc.nat() });

function damage(
  { file, at }: { file: number; at: number },
  change: (bytes: Buffer, at: number) => Buffer,
): void {
  restoreFiles();
  const name = [...files.keys()][file % files.size] ?? '';
  const bytes = readFileSync(join(directory, name));
  writeFileSync(join(directory, name), change(bytes, at % bytes.length));
}

describe('a log whose bytes have changed', () => {
  it('by one bit, anywhere, is noticed', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(place, fc.nat(7), async (where, bit) => {
        damage(where, (bytes, at) => {
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          return bytes;
        });
        seen.add(await expectSameOrRefused());
      }),
      { numRuns: 400, seed: 9 },
    );
    expect([...seen]).toContain('refused');
  }, 60_000);

  it('by a run of other bytes, or by an end that comes early, is noticed', async () => {
    await fc.assert(
      fc.asyncProperty(
        place,
        fc.uint8Array({ minLength: 1, maxLength: 700 }),
        fc.boolean(),
        async (where, other, cut) => {
          damage(where, (bytes, at) => {
            if (cut) return bytes.subarray(0, at);
            bytes.set(other.subarray(0, bytes.length - at), at);
            return bytes;
          });
          await expectSameOrRefused();
        },
      ),
      { numRuns: 200, seed: 10 },
    );
  }, 60_000);
});

describe('a record', () => {
  const seeds = { salt: 5, chain: 6 };

  it('of any bytes is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: recordHeaderBytes, maxLength: 300 }), (bytes) => {
        expect(decodeRecord(Buffer.from(bytes), 0, seeds)).toBeUndefined();
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  it('whose checksums hold over what no log has written is named as damage', async () => {
    // By a program of another version, or by somebody who can compute a checksum.
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (payload) => {
        restoreFiles();
        const [name, bytes] = [...files].at(-1) ?? ['', Buffer.alloc(0)];
        const forged = forge(payload, bytes.readUInt32LE(8));
        const rest = Buffer.alloc(bytes.length - 32 - forged.length);
        writeFileSync(join(directory, name), Buffer.concat([bytes.subarray(0, 32), forged, rest]));
        expect(open).toThrow(DataDirectoryError);
      }),
      { numRuns: 200, seed: 12 },
    );
  });

  function forge(payload: Uint8Array, salt: number): Buffer {
    const bytes = Buffer.alloc(Math.ceil((recordHeaderBytes + payload.length) / 8) * 8);
    encodeRecord(1, [], { salt, chain: salt }).bytes.copy(bytes, 0, 0, recordHeaderBytes);
    bytes.set(payload, recordHeaderBytes);
    bytes.writeUInt32LE(payload.length, 16);
    bytes.writeUInt32LE(crc32(payload, salt), 20);
    bytes.writeUInt32LE(crc32(bytes.subarray(8, recordHeaderBytes), salt), 4);
    return bytes;
  }
});
