import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, run, TestCluster } from './support/cluster.js';
import { Program } from './support/program.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bin = join(root, 'bin', 'trireme.mjs');

interface Report {
  readonly ok: boolean;
  readonly targets: readonly {
    readonly acknowledged: number;
    readonly lost: number;
    readonly doubled: number;
    readonly watchFaults: number;
    readonly linearizable: string;
  }[];
  readonly faults: readonly {
    readonly fault: string;
    readonly rounds: number;
    readonly gaps: Readonly<Record<string, { readonly max: number }>>;
  }[];
}

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-e2e-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const env = (): Record<string, string> => ({ TRIREME_HOME: join(directory, 'home'), TMPDIR: directory });

/** Another installation: the same programs in a folder of their own. */
function otherInstallation(): string {
  const folder = join(directory, 'other');
  mkdirSync(join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'dist', 'bundle'), join(folder, 'dist', 'bundle'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

describe('trireme failover', () => {
  it('loses nothing in a round of each kind, says how long each observer was without, and writes its report', async () => {
    const json = join(directory, 'failover.json');
    const page = join(directory, 'failover.html');
    const faults = ['kill', 'pause', 'partition-out', 'slow-disk', 'full-disk', 'rolling-upgrade'];
    const flags = ['--rounds', '1', '--writers', '2', '--faults', faults.join(',')];
    const outputs = ['--json', json, '--report', page, '--upgrade-from', otherInstallation()];
    const result = await run(process.execPath, [bin, 'failover', ...flags, ...outputs], {
      env: env(),
      timeoutMs: 170_000,
    });
    expect(result.code, result.stdout + result.stderr).toBe(0);
    const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
    expect(report.faults.map(({ fault, rounds }) => [fault, rounds])).toEqual(
      faults.map((name) => [name, 1]),
    );
    for (const { gaps } of report.faults) {
      expect(Object.keys(gaps)).toEqual(['writers', 'readers', 'watchers', 'controllers']);
    }
    const found = { lost: 0, doubled: 0, watchFaults: 0, linearizable: 'yes' };
    expect(report.targets[0]).toMatchObject(found);
    expect(report.targets[0]?.acknowledged).toBeGreaterThan(100);
    expect(readFileSync(page, 'utf8')).toContain('rolling-upgrade');
  });

  it('judges what was run when Ctrl-C ends it, and leaves nothing behind', async () => {
    const running = new Program(process.execPath, [bin, 'failover', '--rounds', '100'], env());
    await running.prints(/1\/100 kill/, 120_000);
    await running.kill('SIGINT');
    const { code, stdout } = await running.ended();
    expect(code).toBe(130);
    expect(stdout).toContain('0 lost, 0 doubled');
    expect(readdirSync(directory).filter((name) => name.startsWith('trireme-bench-'))).toEqual([]);
  });

  it('refuses faults that it does not know, and installations that are none', async () => {
    const unknown = await run(process.execPath, [bin, 'failover', '--faults', 'flood'], { env: env() });
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('kill, pause');
    const none = await run(process.execPath, [bin, 'failover', '--upgrade-from', directory], { env: env() });
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('is no built installation');
  });
});

describe('trireme chaos', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 0, name: 'chaos' });
  });
  afterAll(async () => cluster.dispose());

  it('fills the disk of a master, which stops and stays away until it is healed', async () => {
    const full = await cluster.trireme('chaos', 'full-disk', 'follower');
    expect(full.code, full.stderr).toBe(0);
    const name = full.stdout.trim();
    const of = async () => (await cluster.status()).members.find((member) => member.name === name);
    // The fault is in force when the command ends: the very next write of the log meets it. Whoever stops answers nobody.
    const leader = (await cluster.status()).members.find((member) => member.role === 'leader');
    const at = `--server=${leader?.apiServer}`;
    await cluster.kubectl(['create', 'configmap', 'written', '--from-literal=a=b', at]);
    await eventually(`${name} is away`, async () => (await of())?.healthy === false, 15_000);
    expect((await cluster.status()).quorum).toBe(true);
    expect((await cluster.trireme('chaos', 'heal')).code).toBe(0);
    await eventually(`${name} is back`, async () => (await of())?.healthy === true);
  });

  it('restarts a master in an orderly way', async () => {
    const before = await cluster.status();
    const result = await cluster.trireme('chaos', 'restart', 'leader');
    expect(result.code, result.stderr).toBe(0);
    const name = result.stdout.trim();
    await eventually(`${name} is another process`, async () => {
      const now = (await cluster.status()).members.find((member) => member.name === name);
      return now?.healthy === true && now.pid !== before.members.find((member) => member.name === name)?.pid;
    });
  });
});
