import { openSync, readFileSync, closeSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { ensureClusterPki } from '#libs/pki';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandResult, eventually, TestCluster } from './support/cluster.js';
import { Program } from './support/program.js';

/** A cluster that cannot start says why and what to do, and leaves nothing running. */

function expectRefusal(result: CommandResult, message: string | RegExp, hint?: string | RegExp): void {
  expect(result.code).not.toBe(0);
  expect(result.stderr).toMatch(message);
  if (hint !== undefined) expect(result.stderr).toMatch(hint);
  expect(result.stderr, 'a stack trace').not.toMatch(/^\s+at /m);
  expect(result.stdout).toBe('');
}

describe('before anything is started', () => {
  const nothing = new TestCluster();
  let taken: Server;
  let takenPort = 0;

  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    takenPort = (taken.address() as { port: number }).port;
  });

  afterAll(async () => {
    await new Promise((resolve) => taken.close(resolve));
    await nothing.dispose();
  });

  it.each([
    [['up', '--nonsense'], /unknown option '--nonsense'/, /--help/],
    [['frobnicate'], /unknown command 'frobnicate'/, /--help/],
    [['up', '--masters', '2'], /even number of masters/, /choose 1, 3, 5 or 7/],
    [['up', '--masters', 'many'], /a whole number from 1 to 7 is wanted/, /--help/],
    [['up', '--port', '70000'], /a whole number from 0 to 65535 is wanted|--port/, /--help/],
    [['up', '--wait', 'soon'], /a duration such as 500ms, 60s or 2m is wanted/, /--help/],
    [['up', '--runtime', 'magic'], /Allowed choices are auto, simulated/, /--help/],
    [['status', '--name', '../x'], /lower-case letters, digits and dashes/, /--help/],
    [['status'], /there is no cluster "e2e" here/, /trireme up/],
    [['down'], /there is no cluster "e2e" here/, /trireme up/],
    [['chaos', 'kill', 'leader'], /there is no cluster "e2e" here/, /trireme up/],
    [['transfer-leader'], /there is no cluster "e2e" here/, /trireme up/],
    [['kubeconfig', '--print'], /there is no cluster "e2e" here/, /trireme up/],
  ])('%j', async (args, message, hint) => {
    expectRefusal(await nothing.trireme(...args), message, hint);
  });

  it.each([
    ['an unknown key', 'mastres: 3\n', /unknown key "mastres"/, /known keys: .*masters/],
    ['a value of the wrong type', 'masters: four\n', /bad value for "masters": a whole number/, undefined],
    ['no mapping', '- masters\n', /must be a mapping/, undefined],
    ['no YAML', '{', /cannot read the configuration/, undefined],
  ])('refuses a configuration file with %s', async (_, text, message, hint) => {
    const file = join(nothing.directory, 'config.yaml');
    writeFileSync(file, text);
    expectRefusal(await nothing.trireme('up', '--config', file), message, hint);
  });

  it('names the configuration file that is not there', async () => {
    expectRefusal(
      await nothing.trireme('up', '--config', '/nowhere/trireme.yaml'),
      /\/nowhere\/trireme\.yaml/,
    );
  });

  it('names the busy port and the way around it', async () => {
    for (const mode of [[], ['--detach']]) {
      const result = await nothing.trireme('up', ...mode, '--port', String(takenPort));
      // Its neighbours may be busy, too.
      const message = new RegExp(
        `ports? ${takenPort}\\b.* on 127\\.0\\.0\\.1 (is|are) in use by another process`,
      );
      expectRefusal(result, message, /--port 0/);
    }
  });

  // Nobody, not even root, makes directories there.
  it('names the data directory that cannot be written', async () => {
    for (const mode of [[], ['--detach']]) {
      const result = await nothing.trireme('up', ...mode, '--port', '0', '--data-dir', '/sys/trireme');
      expectRefusal(result, 'cannot write to the data directory /sys/trireme', /--data-dir/);
    }
  });
});

describe('a cluster that exists', () => {
  const cluster = new TestCluster();
  const up = (...args: readonly string[]): Promise<CommandResult> =>
    cluster.trireme('up', '--detach', '--nodes', '0', '--kubeconfig', cluster.kubeconfig, ...args);
  const programs: Program[] = [];

  beforeAll(async () => {
    await cluster.up({ nodes: 0 });
    await cluster.kubectl(['create', 'configmap', 'kept', '--from-literal=a=1']);
  });

  afterAll(async () => {
    await Promise.all(programs.map(async (program) => program.kill()));
    await cluster.dispose();
  });

  /** A master of our own, with a configuration like master-3's. */
  function master(change: Readonly<Record<string, unknown>>): Program {
    const original = JSON.parse(
      readFileSync(join(cluster.dataDir, 'masters/master-3/config.json'), 'utf8'),
    ) as Record<string, unknown>;
    const file = join(cluster.directory, 'master.json');
    writeFileSync(file, JSON.stringify({ ...original, ...change }));
    const program = Program.trireme(['master', '--config', file]);
    programs.push(program);
    return program;
  }

  it('is not started twice', async () => {
    expectRefusal(await up(), /cluster "e2e" is already running/, /trireme down/);
  });

  it.each([
    [['chaos', 'kill', 'nobody'], /there is no master "nobody"/, /masters: master-1, master-2, master-3/],
    [['transfer-leader', 'nobody'], /there is no master "nobody"/, /masters: master-1, master-2, master-3/],
  ])('%j', async (args, message, hint) => {
    expectRefusal(await cluster.trireme(...args), message, hint);
  });

  it('does not let a member of another cluster in', async () => {
    await cluster.trireme('chaos', 'kill', 'master-3', '--stay-down');
    const before = await cluster.status();

    const renamed = master({ clusterId: 'feedfacecafebeef', dataDir: join(cluster.directory, 'renamed') });
    await renamed.prints(
      /refused this server: cluster 'feedfacecafebeef' was named, but this is a member of cluster/,
    );
    await renamed.kill();

    const foreignDir = join(cluster.directory, 'foreign');
    await ensureClusterPki(foreignDir, { masters: ['master-1', 'master-2', 'master-3'] });
    const foreign = master({ pkiDir: join(foreignDir, 'pki'), dataDir: join(foreignDir, 'master-3') });
    await foreign.prints(/self-signed certificate/);
    await foreign.kill();

    const after = await cluster.status();
    expect({ leader: after.leader, term: after.term }).toEqual({ leader: before.leader, term: before.term });
    await cluster.kubectl(['create', 'configmap', 'still-writable']);
  });

  it('refuses a data directory of another cluster, and a configuration with a fault', async () => {
    const foreign = await master({ clusterId: 'feedfacecafebeef' }).ended();
    expectRefusal(
      foreign,
      /belongs to member 3 of cluster \w+, not to member 3 of feedfacecafebeef/,
      /empty one/,
    );
    const faulty = await master({ clusterId: undefined, colour: 'red' }).ended();
    expectRefusal(faulty, /clusterId: .*expected string/, /Unrecognized key: "colour"/);
    await cluster.trireme('chaos', 'start', 'master-3');
  });

  it('refuses to be another size', async () => {
    await cluster.trireme('down');
    expectRefusal(
      await up('--masters', '5'),
      /cluster "e2e" has 3 masters and 0 observers, not 5 and 0/,
      /trireme member add/,
    );
  });

  it('starts without a master whose log is damaged, says what to do, and has it back once it is mended', async () => {
    const log = join(cluster.dataDir, 'masters/master-1/wal/0000000000000001.wal');
    const offset = 5_000;
    const sound = readFileSync(log).subarray(offset, offset + 1);
    overwrite(log, offset, Buffer.from([sound[0]! ^ 0xff]));
    const { code, stderr } = await up();
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(
      /a master does not start and will be tried again: master-1: the log file .*0001\.wal is damaged at byte \d+/,
    );
    expect(stderr).toMatch(/restore this member from a backup/);
    expect(await cluster.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'])).toBe('1');
    overwrite(log, offset, sound);
    await eventually('the mended master to be ready', async () =>
      (await cluster.status()).members.every((member) => member.healthy),
    );
  });

  it('refuses a damaged cluster.json; reset --force removes what is left', async () => {
    await cluster.trireme('down');
    writeFileSync(join(cluster.dataDir, 'cluster.json'), '{"na');
    expectRefusal(await up(), /cluster\.json is damaged/, /trireme reset --force/);
    const reset = await cluster.trireme('reset', '--force');
    expect(reset.code, reset.stderr).toBe(0);
    expectRefusal(await cluster.trireme('status'), /there is no cluster "e2e" here/);
  });
});

function overwrite(file: string, offset: number, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
}
