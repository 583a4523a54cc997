import { resolve } from 'node:path';
import type { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { resolveKubeconfigPath } from '#libs/pki';
import { resolveDataDir } from '../cluster/state.js';
import { formatTable } from '../ui/table.js';
import { applyConfigFile, type HostAndPort, oneOf, readConfigFile } from './options.js';
import { type UpFlags, upOptions } from './up-options.js';

interface Setting {
  readonly key: string;
  readonly value: string | number | boolean | undefined;
  /** The flag, the variable or the file that it comes from, or `default`. */
  readonly origin: string;
}

interface ViewFlags extends UpFlags {
  readonly showOrigin: boolean;
  readonly output: 'yaml' | 'json';
}

/** Flags of `config view` itself, and what is only about one start. */
const own = ['--show-origin', '--output', '--config', '--detach'];

export function addConfig(program: Command): void {
  const config = program.command('config').description('what `trireme up` would be started with');
  upOptions(config.command('view'))
    .description('print what `up` would take from flags, environment and file, as a file for --config')
    .option('--show-origin', 'say of each value where it comes from', false)
    .addOption(oneOf('-o, --output <format>', 'output format', ['yaml', 'json']).default('yaml'))
    .action((given: ViewFlags, command: Command) => {
      if (given.config !== undefined) applyConfigFile(command, given.config, readConfigFile(given.config));
      const flags = command.opts<ViewFlags>();
      const settings = command.options
        .filter(({ long }) => long !== undefined && !own.includes(long))
        .map((option) => settingOf(option, flags, command));
      process.stdout.write(format(settings, flags));
    });
}

function settingOf(option: Option, flags: ViewFlags, command: Command): Setting {
  const key = (option.long ?? '').slice(2);
  const attribute = option.attributeName();
  const source = command.getOptionValueSource(attribute);
  const value = readable(option, flags[attribute as keyof ViewFlags]);
  if (source === 'cli') return { key, value, origin: `flag --${key}` };
  if (source === 'env') return { key, value, origin: `variable ${option.envVar}` };
  if (source === 'config') return { key, value, origin: `file ${flags.config}` };
  if (key === 'data-dir') return { key, value: resolveDataDir(flags.name), origin: 'default' };
  if (key === 'kubeconfig') {
    const origin = process.env['KUBECONFIG'] ? 'variable KUBECONFIG' : 'default';
    return { key, value: resolve(resolveKubeconfigPath()), origin };
  }
  return { key, value, origin: 'default' };
}

/** As it would be written: 60s, not the milliseconds it was read to. */
function readable(option: Option, value: unknown): Setting['value'] {
  if (typeof value === 'object' && value !== null) {
    const { host, port } = value as HostAndPort;
    return `${host.includes(':') ? `[${host}]` : host}:${port}`;
  }
  if (typeof value === 'number' && option.flags.includes('<duration>')) {
    return value % 1_000 === 0 ? `${value / 1_000}s` : `${value}ms`;
  }
  // Of a URL with a user's password the rest is enough to know where it comes from.
  if (typeof value === 'string') return value.replace(/^([a-z]+:\/\/[^@/]*):[^@]*@/, '$1:REDACTED@');
  return value as Setting['value'];
}

function format(settings: readonly Setting[], { showOrigin, output }: ViewFlags): string {
  const set = settings.filter(({ value }) => value !== undefined);
  if (output === 'json') {
    const entries = set.map(({ key, value, origin }) => [key, showOrigin ? { value, origin } : value]);
    return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
  }
  if (!showOrigin) return stringify(Object.fromEntries(set.map(({ key, value }) => [key, value])));
  const rows = set.map(({ key, value, origin }) => [key, String(value), origin]);
  return `${formatTable(['KEY', 'VALUE', 'FROM'], rows)}\n`;
}
