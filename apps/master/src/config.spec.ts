import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConfigError, loadMasterConfig } from './config.js';
import { addConfigFlags } from './flags.js';

let directory: string;
let file: string;
const shared = {
  clusterId: 'c1',
  members: ['a', 'b', 'c'].map((name, i) => ({ id: i + 1, name, host: `${name}.peers`, port: 2380 })),
  dataDir: '/data',
  pkiDir: '/pki',
  tickMs: 30,
};

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-config-'));
  file = join(directory, 'config.json');
  writeFileSync(file, JSON.stringify(shared));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

/** What `trireme master --config <file> <flags>` would run with. */
function configOf(...flags: string[]) {
  const command = addConfigFlags(new Command().exitOverride().configureOutput({ writeErr: () => undefined }));
  command.parse(flags, { from: 'user' });
  return loadMasterConfig(file, command.opts());
}

describe('the configuration of one master', () => {
  it('can be one file for all: the name comes from the environment, the id from the members', () => {
    vi.stubEnv('TRIREME_MASTER_NAME', 'b');
    vi.stubEnv('TRIREME_MASTER_BIND_ADDRESS', '10.0.0.2');
    expect(configOf()).toMatchObject({ name: 'b', memberId: 2, bindAddress: '10.0.0.2', tickMs: 30 });
  });

  it('takes a flag before the environment, that before the file, that before the default', () => {
    vi.stubEnv('TRIREME_MASTER_NAME', 'b');
    vi.stubEnv('TRIREME_MASTER_TICK_MS', '40');
    vi.stubEnv('TRIREME_MASTER_ELECTION_TICKS', '12');
    expect(configOf('--tick-ms', '50')).toMatchObject({ tickMs: 50, electionTicks: 12, heartbeatTicks: 2 });
  });

  it('takes what is no text as JSON, and a text that looks like a number as a text', () => {
    const config = configOf('--name', 'a', '--cluster-id', '17', '--fault-injection', 'true');
    expect(config).toMatchObject({ clusterId: '17', faultInjection: true });
  });

  it('takes a flag for something that is or is not without a value', () => {
    expect(configOf('--name', 'a', '--join')).toMatchObject({ join: true, observer: false });
    expect(configOf('--name', 'a', '--observer', '--join', 'false')).toMatchObject({
      join: false,
      observer: true,
    });
  });

  it('says which value is none', () => {
    expect(() => configOf('--name', 'a', '--secure-port', 'many')).toThrow(
      /"many" is no value for securePort/,
    );
    expect(() => configOf('--name', 'a', '--secure-port', '70000')).toThrow(/securePort: /);
  });

  it('demands to know who this is', () => {
    expect(() => configOf()).toThrow(ConfigError);
    expect(() => configOf('--name', 'stranger')).toThrow(/memberId: /);
  });
});
