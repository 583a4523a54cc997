import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DiskFault } from '#libs/consensus';

const longestDelayMs = 60_000;
const schema = z.strictObject({
  delayMs: z.number().nonnegative().max(longestDelayMs).optional(),
  full: z.boolean().optional(),
});

const pathOf = (dataDir: string): string => join(dataDir, 'injected-disk-fault.json');

/** The disk fault that a request asks for. Throws ZodError. */
export function parseDiskFault(value: unknown): DiskFault {
  const { delayMs, full } = schema.parse(value);
  return { ...(delayMs === undefined ? {} : { delayMs }), ...(full === undefined ? {} : { full }) };
}

/**
 * The injected fault of a replica's disk as it was left: a full disk is as full after a restart, and whoever heals one
 * may have to do so while the master is down, by removing the file.
 */
export function readDiskFault(dataDir: string): DiskFault {
  let text: string;
  try {
    text = readFileSync(pathOf(dataDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  return parseDiskFault(JSON.parse(text));
}

export function writeDiskFault(dataDir: string, fault: DiskFault): void {
  if (Object.keys(fault).length === 0) rmSync(pathOf(dataDir), { force: true });
  else writeFileSync(pathOf(dataDir), `${JSON.stringify(fault)}\n`, { mode: 0o600 });
}
