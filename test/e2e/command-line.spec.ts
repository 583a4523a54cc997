import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandResult, eventually, run, TestCluster } from './support/cluster.js';
import { Program } from './support/program.js';

/** Commands that look after a cluster: logs, doctor, kubectl, config view. While it runs, while it is broken, and after. */

interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'failure';
  readonly text: string;
  readonly advice?: string;
}

let cluster: TestCluster;
const programs: Program[] = [];

beforeAll(async () => {
  cluster = new TestCluster();
  // Of standard input, which the supervisor behind `--detach` gets as well.
  const input = `masters: 3\nnodes: 1\nport: 0\nkubeconfig: ${cluster.kubeconfig}\n`;
  const env = cluster.environment();
  const up = await run(process.execPath, ['bin/trireme.mjs', 'up', '--detach', '--config', '-'], {
    env,
    input,
  });
  expect(up.code, up.stderr).toBe(0);
});

afterAll(async () => {
  await Promise.all(programs.map(async (program) => program.kill()));
  await cluster.dispose();
});

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const program = Program.trireme(args, { ...cluster.environment(), ...env });
  programs.push(program);
  return program;
}

async function refused(args: readonly string[], message: RegExp, code = 1): Promise<void> {
  const result = await cluster.trireme(...args);
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect([result.code, result.stdout]).toEqual([code, '']);
}

async function doctor(): Promise<{ code: number; of: (check: string) => Finding | undefined }> {
  const { code, stdout } = await cluster.trireme('doctor', '-o', 'json');
  const findings = JSON.parse(stdout) as readonly Finding[];
  return { code, of: (check) => findings.find((finding) => finding.check === check) };
}

const lines = ({ stdout }: CommandResult): string[] => stdout.split('\n').filter((line) => line !== '');

describe('trireme logs', () => {
  it('interleaves the processes by time, or prints one as it is', async () => {
    const all = lines(await cluster.trireme('logs'));
    const sources = new Set(all.map((line) => line.split(' ')[0]));
    expect(sources).toEqual(new Set(['supervisor', 'master-1', 'master-2', 'master-3', 'nodes']));
    const times = all.flatMap((line) => /"time":(\d+)/.exec(line)?.[1] ?? []).map(Number);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const [last, ...others] = lines(await cluster.trireme('logs', 'master-1', '--tail', '1'));
    expect(others).toEqual([]);
    expect(JSON.parse(last!)).toMatchObject({ component: 'master' });
    expect(lines(await cluster.trireme('logs', '--since', '1ms'))).toEqual([]);
    await refused(['logs', 'master-9'], /no log of "master-9"\n {2}processes: master-1, master-2, master-3/);
    await refused(['logs', '--since', 'soon'], /a duration such as/, 2);
  });

  it('follows until Ctrl-C, over the death of a master', async () => {
    const following = start(['logs', '-f', '--tail', '0', 'supervisor', 'master-2']);
    const { pid } = cluster.file().masters[1]!;
    // It takes a moment to begin; a line more of before does no harm.
    await eventually('what a kill leads to', async () => {
      await cluster.trireme('chaos', 'kill', 'master-2');
      await following.prints(/^supervisor \| .* master-2 ended\n/m, 2_000);
      return true;
    });
    await following.prints(/^master-2 {3}\| .*master-2 serves/m);
    expect(following.stdout).not.toContain(`process ${pid}\n`);
    await following.kill('SIGINT');
    await cluster.kubectl(['get', 'nodes']);
  });

  it('ends without a fault when its reader has seen enough', async () => {
    const piped = new Program(
      'sh',
      ['-c', `"${process.execPath}" bin/trireme.mjs logs -f | head -n 1`],
      cluster.environment(),
    );
    programs.push(piped);
    await piped.prints(/ \| /);
    await cluster.trireme('chaos', 'kill', 'follower');
    expect(await piped.ended()).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('trireme kubectl', () => {
  it('hands input, output and the exit code on', async () => {
    const apply = start(['kubectl', '--', 'create', '-o', 'name', '-f', '-']);
    expect((await apply.ended()).code, 'nothing to read').not.toBe(0);
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'piped' } });
    const piped = new Program(
      'sh',
      ['-c', `echo '${input}' | "${process.execPath}" bin/trireme.mjs kubectl -- create -o name -f -`],
      cluster.environment(),
    );
    expect(await piped.ended()).toMatchObject({ code: 0, stdout: 'configmap/piped\n' });
    const diff = await cluster.trireme('kubectl', '--', 'get', 'configmap', 'nobody');
    expect(diff).toMatchObject({ code: 1, stdout: '' });
    expect(diff.stderr).toContain('"nobody" not found');
  });

  it('passes a signal on to kubectl, and needs none on the PATH', async () => {
    const watching = start(['kubectl', '--', 'get', 'configmaps', '--watch'], {
      PATH: dirname(process.execPath),
    });
    await watching.prints(/kube-root-ca\.crt/);
    await watching.kill('SIGTERM');
    expect((await watching.ended()).code, 'as kubectl ends then').toBe(1);
  });
});

describe('trireme config view', () => {
  it('says of each value where it comes from: flag, environment, file, default', async () => {
    const file = join(cluster.directory, 'up.yaml');
    writeFileSync(file, 'nodes: 9\nmasters: 5\nobservers: 2\nwait: 90s\n');
    const viewing = start(['config', 'view', '--show-origin', '--config', file, '--masters', '1'], {
      TRIREME_NODES: '7',
      TRIREME_EVENTS_STORE: 'redis://events:secret@127.0.0.1:6379',
    });
    const { stdout } = await viewing.ended();
    const rows = Object.fromEntries(
      stdout
        .split('\n')
        .map((row) => row.trim().split(/\s{2,}/))
        .map(([key, ...rest]) => [key, rest]),
    ) as Record<string, string[]>;
    expect(rows).toMatchObject({
      masters: ['1', 'flag --masters'],
      nodes: ['7', 'variable TRIREME_NODES'],
      observers: ['2', `file ${file}`],
      wait: ['90s', `file ${file}`],
      port: ['6443', 'default'],
      'events-store': ['redis://events:REDACTED@127.0.0.1:6379', 'variable TRIREME_EVENTS_STORE'],
      name: ['e2e', 'variable TRIREME_NAME'],
    });
  });

  it('prints a file that --config takes', async () => {
    const file = join(cluster.directory, 'again.yaml');
    const first = await cluster.trireme('config', 'view', '--masters', '5', '--etcd-listen', '[::1]:2379');
    writeFileSync(file, first.stdout);
    expect((await cluster.trireme('config', 'view', '--config', file)).stdout).toBe(first.stdout);
    await refused(['config', 'view', '--config', '/nowhere.yaml'], /cannot read the configuration/);
  });
});

describe('trireme doctor', () => {
  it('finds nothing wrong with a cluster that works', async () => {
    const { code, of } = await doctor();
    expect(code).toBe(0);
    for (const check of [
      'data directory',
      'certificates',
      'kubeconfig',
      'versions',
      'lag',
      'clock',
      'ports',
    ]) {
      expect(of(check), check).toMatchObject({ verdict: 'ok' });
    }
    expect(of('quorum')?.text).toMatch(/^master-\d leads in term \d+/);
    expect(of('fsync')?.text).toMatch(/ms median, \d+\.\d ms p99/);
    const text = await cluster.trireme('doctor');
    expect(text.stdout).toMatch(/^ ✓ quorum: /m);
  });

  it('sees a master that is away, and a quorum that is lost', async () => {
    await cluster.trireme('chaos', 'kill', 'master-3', '--stay-down');
    const one = await doctor();
    expect([one.code, one.of('quorum')]).toMatchObject([0, { verdict: 'warning' }]);
    expect(one.of('quorum')?.text).toContain('not ready: master-3');
    await cluster.trireme('chaos', 'kill', 'master-2', '--stay-down');
    // The leader needs a moment to see that it is alone.
    const two = await eventually('a quorum that is lost to be seen', async () => {
      const seen = await doctor();
      return seen.code === 1 && seen;
    });
    expect(two.of('quorum')?.verdict).toBe('failure');
    expect(two.of('quorum')?.advice).toContain('trireme status');
  });

  it('says of a cluster that is stopped what is amiss with its files; logs and kubectl say what they can', async () => {
    await cluster.trireme('down');
    rmSync(join(cluster.dataDir, 'pki/admin.crt'));
    writeFileSync(
      join(cluster.dataDir, 'pki/broken.crt'),
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    );
    const { code, of } = await doctor();
    expect(code).toBe(1);
    expect(of('cluster')).toMatchObject({ verdict: 'failure' });
    rmSync(join(cluster.dataDir, 'pki/broken.crt'));
    const mended = await doctor();
    expect(mended.of('cluster')).toMatchObject({
      text: '"e2e" is not running',
      advice: 'trireme up --name e2e',
    });
    expect(mended.of('kubeconfig')).toMatchObject({
      verdict: 'warning',
      advice: 'trireme kubeconfig --name e2e',
    });
    expect(lines(await cluster.trireme('logs', 'supervisor')).at(-1)).toMatch(/ended$/);
    expect((await cluster.trireme('kubectl', '--', 'get', 'nodes')).code).toBe(1);
    const nowhere = await cluster.trireme('doctor', '--data-dir', '/sys/trireme');
    expect(nowhere.code).toBe(1);
    expect(nowhere.stdout).toMatch(/✗ data directory: \/sys cannot be written/);
    expect(nowhere.stdout).toMatch(
      /! cluster: there is no cluster "e2e" here\n +start one with `trireme up`/,
    );
  });
});
