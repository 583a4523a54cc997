import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SupervisedChild } from './child.js';

const directory = mkdtempSync(join(tmpdir(), 'trireme-child-'));
let child: SupervisedChild | undefined;

afterEach(async () => {
  await child?.stop(1_000);
  child = undefined;
});

/** Starts a child that prints a line and stays; resolves with its pids as they come. */
function start(script: string): { next: () => Promise<number>; child: SupervisedChild } {
  const pids: number[] = [];
  const takers: ((pid: number) => void)[] = [];
  const made = new SupervisedChild({
    name: 'test',
    command: process.execPath,
    args: ['-e', script],
    logFile: join(directory, 'log'),
    onChange: (pid) => {
      if (pid === undefined) return;
      const taker = takers.shift();
      if (taker === undefined) pids.push(pid);
      else taker(pid);
    },
  });
  child = made;
  made.start();
  const next = async (): Promise<number> => {
    const known = pids.shift();
    return known ?? new Promise((resolve) => takers.push(resolve));
  };
  return { next, child: made };
}

describe('a supervised process', () => {
  it('is back within a second after it was killed', async () => {
    const { next } = start('setInterval(() => {}, 1000)');
    const first = await next();
    const killedAt = Date.now();
    process.kill(first, 'SIGKILL');
    expect(await next()).not.toBe(first);
    expect(Date.now() - killedAt).toBeLessThan(1_000);
  });

  it('comes back later and later when it keeps dying', async () => {
    const { next } = start('process.exit(3)');
    const times: number[] = [];
    for (let i = 0; i < 4; i++) {
      await next();
      times.push(Date.now());
    }
    const [a = 0, b = 0, c = 0, d = 0] = times;
    expect(d - c).toBeGreaterThan(b - a);
  });

  it('stays down after kill with stayDown, and remembers how it ended', async () => {
    const { next, child: supervised } = start('setInterval(() => {}, 1000)');
    const pid = await next();
    supervised.kill(true);
    await expect.poll(() => supervised.lastExit).toBe('SIGKILL');
    expect(supervised.pid).toBeUndefined();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('stops a process that ignores SIGTERM after its grace', async () => {
    const { next, child: supervised } = start(
      'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)',
    );
    await next();
    await expect
      .poll(() => readFileSync(join(directory, 'log'), 'utf8'), { timeout: 10_000 })
      .toContain('up');
    await supervised.stop(100);
    expect(supervised.lastExit).toBe('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
});
