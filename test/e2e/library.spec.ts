import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, run } from './support/cluster.js';
import { Program } from './support/program.js';

/** `import { startCluster } from 'trireme'` in a project that has installed the package, and nothing else of this repository. */

const root = fileURLToPath(new URL('../../', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'trireme-library-'));
/** Where clusters put their data when nothing is said; a folder of our own, so that what is left behind can be seen. */
const temporary = join(project, 'tmp');
const kubectl = join(root, '.tools/bin/kubectl');

/** As `npm install` would, without a network: the packed package, and links to the packages that its bundles load. */
async function installPacked(): Promise<void> {
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'trireme'), { recursive: true });
  const pack = await run('npm', ['pack', root, '--ignore-scripts', '--pack-destination', project]);
  expect(pack.code, pack.stderr).toBe(0);
  const tarball = join(project, pack.stdout.trim().split('\n').at(-1) ?? '');
  const unpacked = await run('tar', [
    '-xzf',
    tarball,
    '--strip-components=1',
    '-C',
    join(modules, 'trireme'),
  ]);
  expect(unpacked.code, unpacked.stderr).toBe(0);
  const needed = await run(process.execPath, [join(root, 'scripts/runtime-packages.mjs')]);
  for (const path of [...needed.stdout.trim().split('\n'), 'node_modules/@kubernetes/client-node']) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    if (!existsSync(join(project, path))) symlinkSync(join(root, path), join(project, path));
  }
}

/** Runs a script of that project. */
function script(name: string, text: string): Program {
  writeFileSync(join(project, name), text);
  return new Program(process.execPath, [join(project, name)], { TMPDIR: temporary });
}

function left(): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith('trireme-'));
}

beforeAll(async () => {
  cpSync(join(root, 'examples/node-tests'), project, { recursive: true });
  mkdirSync(temporary);
  await installPacked();
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('trireme as a library', () => {
  it('serves the example project, whose own tests pass', async () => {
    const tests = await run(process.execPath, ['--test'], { cwd: project, env: { TMPDIR: temporary } });
    expect(tests.code, tests.stdout + tests.stderr).toBe(0);
    expect(tests.stdout).toMatch(/^# pass 1$/m);
    expect(left()).toEqual([]);
  });

  it('has types, which need no others of ours', async () => {
    writeFileSync(
      join(project, 'typed.ts'),
      `import { type RunningCluster, startCluster } from 'trireme';
       const cluster: RunningCluster = await startCluster({ masters: 3, nodes: 0 });
       const path: string = cluster.kubeconfig;
       // @ts-expect-error: a number is wanted
       await startCluster({ masters: path });`,
    );
    const flags =
      '--noEmit --strict --skipLibCheck --target es2022 --module nodenext --types node --ignoreConfig'.split(
        ' ',
      );
    const types = ['--typeRoots', join(root, 'node_modules/@types')];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const checked = await run(process.execPath, [tsc, ...flags, ...types, join(project, 'typed.ts')]);
    expect(checked.code, checked.stdout).toBe(0);
  });

  it('runs several clusters at once, under a caller that blocks, and ends them with it', async () => {
    const two = script(
      'two.mjs',
      `import { execFileSync } from 'node:child_process';
       import { startCluster } from 'trireme';
       const clusters = await Promise.all([startCluster({ masters: 3, nodes: 0 }), startCluster({ masters: 1, nodes: 1 })]);
       for (const [i, { kubeconfig, server, name }] of clusters.entries()) {
         // The caller's event loop stands still meanwhile.
         const kubectl = (...args) => execFileSync(${JSON.stringify(kubectl)}, ['--kubeconfig', kubeconfig, ...args], { encoding: 'utf8' });
         kubectl('create', 'configmap', 'mine', '--from-literal=name=' + name);
         console.log('cluster', i, server, kubectl('get', 'configmap', 'mine', '-o', 'jsonpath={.data.name}') === name);
       }
       await clusters[1].stop();
       await clusters[1].stop();
       console.log('stopped one');
       setInterval(() => undefined, 1_000);`,
    );
    await two.prints(/stopped one/, 60_000);
    const seen = [...two.stdout.matchAll(/cluster \d (\S+) true/g)].map(([, server]) => server);
    expect(new Set(seen).size).toBe(2);
    expect(left()).toHaveLength(1);
    await two.kill('SIGKILL');
    await eventually('the other to end with its owner', async () => left().length === 0, 20_000);
  });

  it('keeps no process alive, and says why a cluster does not start with the last lines of its logs', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const damaged = join(project, 'damaged');
    mkdirSync(join(damaged, 'masters/master-1'), { recursive: true });
    writeFileSync(join(damaged, 'masters/master-1/wal'), 'no folder');
    const failing = script(
      'failing.mjs',
      `import { ClusterStartError, startCluster } from 'trireme';
       const tell = (error) => console.log(error instanceof ClusterStartError, error.message);
       await Promise.all([
         { masters: 2 },
         { masters: 'many' },
         { port: ${port} },
         { dataDir: '/sys/trireme' },
         { masters: 1, nodes: 0, dataDir: ${JSON.stringify(damaged)}, waitMs: 2_000 },
       ].map((options) => startCluster(options).catch(tell)));
       await startCluster({ masters: 1, nodes: 0 });`,
    );
    const { code, stdout, stderr } = await failing.ended();
    await new Promise((resolve) => taken.close(resolve));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^true .*even number of masters[\s\S]*choose 1, 3, 5 or 7/m);
    expect(stdout).toMatch(/^true .*a whole number from 1 to 7 is wanted/m);
    expect(stdout).toMatch(new RegExp(`^true .*port.* ${port}\\b.*in use by another process`, 'm'));
    expect(stdout).toMatch(/^true cannot write to the data directory \/sys\/trireme/m);
    expect(stdout).toMatch(
      /^true master-1: .*\n.*--wait gives it longer\n--- master-1\nerror: .*cannot be written/m,
    );
    expect(stdout).not.toMatch(/^false/m);
    await eventually('what is left to be removed', async () => left().length === 0, 20_000);
  });
});
