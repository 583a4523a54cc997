import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogThread } from './log-thread.js';

let directory: string;
let path: string;
let thread: LogThread | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-log-thread-'));
  path = join(directory, 'file');
  writeFileSync(path, '');
});
afterEach(async () => {
  await thread?.end();
  rmSync(directory, { recursive: true });
});

/** A worker's entry must be JavaScript: the product's own, or what is given here. */
function open(source = readFileSync(new URL('./log-thread-main.ts', import.meta.url), 'utf8')): LogThread {
  const { outputText } = transpileModule(source, {
    compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 },
  });
  const entry = join(directory, 'entry.mjs');
  writeFileSync(entry, outputText);
  return (thread = new LogThread(pathToFileURL(entry)));
}

interface Outcome {
  readonly error: NodeJS.ErrnoException | null;
  readonly written: number;
}

const write = (to: LogThread, fd: number, bytes: Buffer, from: number, at: number): Promise<Outcome> =>
  new Promise((resolve) =>
    to.write(fd, bytes, from, bytes.length - from, at, (error, written) => resolve({ error, written })),
  );

describe('the thread of the log', () => {
  it('writes what it is given where it is told, in order, from bytes that may change afterwards', async () => {
    const log = open();
    const fd = openSync(path, 'r+');
    const bytes = Buffer.from('..abc');
    const both = [write(log, fd, bytes, 2, 1), write(log, fd, Buffer.from('xyz'), 0, 3)];
    bytes.fill('!');
    expect(await Promise.all(both)).toEqual([
      { error: null, written: 3 },
      { error: null, written: 3 },
    ]);
    closeSync(fd);
    expect(readFileSync(path, 'latin1')).toBe('\0abxyz');
    expect(log.ready).toBe(true);
  });

  it('hands back the error of a write as the disk gave it, and goes on', async () => {
    const log = open();
    const readOnly = openSync(path, 'r');
    const { error, written } = await write(log, readOnly, Buffer.from('a'), 0, 0);
    expect(error).toBeInstanceOf(Error);
    expect({ ...error, written }).toMatchObject({ code: 'EBADF', syscall: 'write', written: 0 });
    closeSync(readOnly);
    const full = openSync('/dev/full', 'r+');
    expect((await write(log, full, Buffer.from('a'), 0, 0)).error?.code).toBe('ENOSPC');
    closeSync(full);
  });

  it('fails the writes under way and all later ones when it breaks', async () => {
    const log = open(
      `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { throw new Error('out of order'); });`,
    );
    const under = write(log, 1, Buffer.from('a'), 0, 0);
    expect((await under).error?.message).toBe('the thread that writes the log has failed: out of order');
    expect((await write(log, 1, Buffer.from('b'), 0, 0)).error?.message).toContain('has failed');
  });
});
