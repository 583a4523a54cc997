import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SupervisedChild } from './child.js';
import { askSupervisor, serveControl } from './control.js';
import { type FaultRecord, type FaultReport, Faults } from './faults.js';
import type { ClusterState } from './state.js';

let directory: string;
let children: SupervisedChild[] = [];
let pids: (number | undefined)[] = [];

/** Two masters that only wait, kept running by a supervisor's own means. */
function faultsOfTwo(): Faults {
  directory = mkdtempSync(join(tmpdir(), 'trireme-faults-'));
  pids = [undefined, undefined];
  const state = (): ClusterState =>
    ({ dataDir: directory, masters: pids.map((pid, i) => ({ name: `m${i + 1}`, id: i + 1, pid })) }) as never;
  const faults = new Faults(state, (name) => children[Number(name.slice(1)) - 1]);
  children = pids.map(
    (_, i) =>
      new SupervisedChild({
        name: `m${i + 1}`,
        command: process.execPath,
        args: ['-e', 'process.stdin.resume().on("close", () => process.exit())'],
        logFile: join(directory, `m${i + 1}.log`),
        onChange: (pid) => {
          pids[i] = pid;
          faults.processChanged(`m${i + 1}`, pid);
        },
      }),
  );
  for (const child of children) child.start();
  return faults;
}

afterEach(async () => {
  await Promise.all(children.map((child) => child.stop(5_000)));
  rmSync(directory, { recursive: true, force: true });
});

const told = (faults: Faults): string[] =>
  faults.report().records.map(({ what, master }) => `${what} ${master ?? ''}`.trim());

describe('faults of a local cluster', () => {
  it('are done and noted, with what follows from them', async () => {
    const faults = faultsOfTwo();
    const [first] = pids;
    await faults.apply({ command: 'kill', master: 'm1', stayDown: false });
    await expect.poll(() => pids[0] !== undefined && pids[0] !== first, { timeout: 20_000 }).toBe(true);
    expect(told(faults)).toEqual(['started m1', 'started m2', 'kill m1', 'ended m1', 'started m1']);
    const times = faults.report().records.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('sent twice under one id are done once, and answered alike', async () => {
    const faults = faultsOfTwo();
    const order = { id: 'a1', command: 'kill', master: 'm2', stayDown: true } as const;
    const answer = await faults.apply(order);
    expect(await faults.apply(order)).toEqual(answer);
    expect(told(faults).filter((line) => line === 'kill m2')).toHaveLength(1);
  });

  it('know who is paused until it goes on or ends', async () => {
    const faults = faultsOfTwo();
    const paused = (): boolean[] => faults.report().masters.map((master) => master.paused);
    await faults.apply({ command: 'pause', master: 'm1' });
    await faults.apply({ command: 'pause', master: 'm2' });
    expect(paused()).toEqual([true, true]);
    await faults.apply({ command: 'resume', master: 'm1' });
    await faults.apply({ command: 'kill', master: 'm2', stayDown: true });
    await expect.poll(paused, { timeout: 20_000 }).toEqual([false, false]);
  });

  it('of a master that is not there, or does not run, are refused with what there is', async () => {
    const faults = faultsOfTwo();
    await expect(faults.apply({ command: 'pause', master: 'm9' })).rejects.toThrow(/no master "m9"/);
    await faults.apply({ command: 'kill', master: 'm1', stayDown: true });
    await expect.poll(() => pids[0], { timeout: 20_000 }).toBeUndefined();
    await expect(faults.apply({ command: 'pause', master: 'm1' })).rejects.toThrow(/m1 is not running/);
  });

  it('are asked for over the control socket, which answers with the record and the report', async () => {
    const faults = faultsOfTwo();
    const server = await serveControl(directory, async (request) => {
      if (request.command === 'faults') return faults.report();
      if (request.command === 'pause') return faults.apply(request);
      return undefined;
    });
    const record = (await askSupervisor(directory, { command: 'pause', master: 'm1' })) as FaultRecord;
    expect(record).toMatchObject({ what: 'pause', master: 'm1' });
    const report = (await askSupervisor(directory, { command: 'faults' })) as FaultReport;
    expect(report.records.at(-1)).toEqual(record);
    expect(report.masters.map(({ pid }) => pid)).toEqual(pids);
    await expect(askSupervisor(directory, { command: 'pause', master: 'm9' })).rejects.toThrow(/no master/);
    await new Promise((resolve) => server.close(resolve));
  });
});
