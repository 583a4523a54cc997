import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDisk } from '../environment/disk.js';
import { pruneSnapshots, snapshotPath } from './snapshot-directory.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-snapshots-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const nameOf = (index: number): string => basename(snapshotPath(directory, { index, term: 1 }));

describe('pruning', () => {
  it('keeps the two newest that this member has applied, and tells from where their log is needed', async () => {
    for (const index of [10, 20, 30]) writeFileSync(join(directory, nameOf(index)), '');
    expect(await pruneSnapshots(directory, 30, nodeDisk)).toBe(20);
    expect(readdirSync(directory).sort()).toEqual([nameOf(20), nameOf(30)]);
  });

  it('leaves alone what was received and may be waiting to be loaded', async () => {
    for (const index of [10, 20, 30, 40, 50]) writeFileSync(join(directory, nameOf(index)), '');
    expect(await pruneSnapshots(directory, 20, nodeDisk)).toBe(10);
    expect(readdirSync(directory).sort()).toEqual([10, 20, 30, 40, 50].map(nameOf));
  });

  it('releases no log while there is one snapshot alone', async () => {
    writeFileSync(join(directory, nameOf(10)), '');
    expect(await pruneSnapshots(directory, 10, nodeDisk)).toBe(0);
  });
});
