import { closeSync, existsSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failure, figure, type Finding, judged, ok } from './finding.js';

const mebibyte = 2 ** 20;
/** A master raises its alarm at 64 MiB beside the size of its store. */
const freeMebibytes = { warnAt: 1_023, failAt: 127 } as const;

const writeBytes = 4_096;
const writes = 64;
const longestMs = 2_000;
/** etcd's own advice for the sync of a log is 10 ms; elections begin after 200 ms without a leader. */
const syncMs = { warnAt: 10, failAt: 100 } as const;

/** Whether masters could keep their data there, and how fast: what each acknowledged write waits for. */
export function checkDataDirectory(dataDir: string): Finding[] {
  // It may be made only by the first start: its disk is that of the folder that there is.
  const folder = nearest(dataDir);
  const probe = join(folder, `.trireme-doctor-${process.pid}`);
  try {
    const file = openSync(probe, 'wx', 0o600);
    try {
      return [ok('data directory', `${dataDir} can be written`), freeSpace(folder), syncLatency(file)];
    } finally {
      closeSync(file);
      rmSync(probe, { force: true });
    }
  } catch (error) {
    const why = `${folder} cannot be written: ${(error as Error).message}`;
    return [
      failure('data directory', why, 'mend its permissions or its disk, or choose another with --data-dir'),
    ];
  }
}

function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

function freeSpace(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / mebibyte);
  const text = free >= 10_240 ? `${Math.floor(free / 1_024)} GiB` : `${free} MiB`;
  return figure(
    'free space',
    `${text} on its disk`,
    judged(free, freeMebibytes),
    'free some: a master that finds no space stops, and most of them short of it refuse writes',
  );
}

function syncLatency(file: number): Finding {
  const block = Buffer.alloc(writeBytes, 1);
  const times: number[] = [];
  const deadline = performance.now() + longestMs;
  while (times.length < writes && performance.now() < deadline) {
    const started = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? 0;
  return figure(
    'fsync',
    `${at(0.5).toFixed(1)} ms median, ${at(0.99).toFixed(1)} ms p99, of ${times.length} writes of 4 KiB`,
    judged(at(0.99), syncMs),
    'each write waits for it on most masters: move --data-dir to a local SSD, away from busy or network disks',
  );
}
