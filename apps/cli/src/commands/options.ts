import { readFileSync } from 'node:fs';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { parse } from 'yaml';
import { remoteCluster } from '../cluster/remote.js';
import { type ClusterState, requireRunning, requireState } from '../cluster/state.js';
import { UserError } from '../ui/errors.js';

/** `--name` and `--data-dir`, which every command about a cluster takes. */
export function clusterOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--name <name>', 'name of the cluster')
        .default('trireme')
        .env('TRIREME_NAME')
        .argParser(clusterName),
    )
    .addOption(new Option('--data-dir <dir>', 'data directory of the cluster').env('TRIREME_DATA_DIR'));
}

/** `--config` of the commands that also reach clusters which no `trireme up` runs. */
export function remoteOption(command: Command): Command {
  return command.option(
    '--config <file>',
    "configuration of the masters of a cluster that runs elsewhere; its pkiDir must hold the administrator's certificate",
  );
}

/** The cluster that the flags name: elsewhere, or on this machine, where it must be running. */
export function chosenCluster(flags: ClusterFlags): ClusterState {
  if (flags.config !== undefined) return remoteCluster(flags.config);
  return requireRunning(requireState(flags.name, flags.dataDir));
}

interface ClusterFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly config?: string;
}

/** An argument that is a name in a cluster; completion offers those of the one that the flags name. */
export class NamesArgument extends Argument {
  constructor(
    name: string,
    description: string,
    readonly candidates: (state: ClusterState) => readonly string[] = mastersOf,
  ) {
    super(name, description);
  }
}

const mastersOf = (state: ClusterState): string[] => state.masters.map(({ name }) => name);

/** A master by name, or by what it is now. */
export function masterArgument(): Argument {
  return new NamesArgument('<master>', 'a master by name, or `leader`, or `follower`', (state) => [
    'leader',
    'follower',
    ...mastersOf(state),
  ]);
}

export function oneOf(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices);
}

function clusterName(value: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) {
    throw new InvalidArgumentError(
      'a name has lower-case letters, digits and dashes, 63 characters at most.',
    );
  }
  return value;
}

/** A parser for whole numbers in a range; the error says the range. */
export function integer(minimum: number, maximum: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < minimum || number > maximum) {
      throw new InvalidArgumentError(`a whole number from ${minimum} to ${maximum} is wanted.`);
    }
    return number;
  };
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:2379`, `[::1]:2379`, or `:2379` for loopback. */
export function hostAndPort(value: string): HostAndPort {
  const match = /^(\[([0-9a-fA-F:.]+)\]|[^:[\]]*):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError('a host and a port such as 127.0.0.1:2379 are wanted.');
  }
  return { host: match[2] ?? (match[1] || '127.0.0.1'), port };
}

/** `60s`, `2m`, `1500ms` → milliseconds. */
export function duration(value: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value);
  if (match === null) throw new InvalidArgumentError('a duration such as 500ms, 60s or 2m is wanted.');
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
  return Number(match[1]) * unit;
}

/** The text of a file for `--config`; `-` is standard input, which can be read once. Throws UserError. */
export function readConfigFile(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read the configuration ${path}: ${(error as Error).message}`);
  }
}

/**
 * Fills options that neither a flag nor the environment set from such a file, whose keys equal the flags' names (YAML or
 * JSON). An unknown key is an error: a misspelt one would be ignored silently.
 */
export function applyConfigFile(command: Command, path: string, text: string): void {
  let values: unknown;
  try {
    values = parse(text);
  } catch (error) {
    throw new UserError(`cannot read the configuration ${path}: ${(error as Error).message}`);
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new UserError(`the configuration ${path} must be a mapping of flag names to values`);
  }
  for (const [key, value] of Object.entries(values)) {
    const option = command.options.find((candidate) => candidate.long === `--${key}`);
    if (option === undefined) {
      const known = command.options.map((candidate) => candidate.long?.slice(2)).join(', ');
      throw new UserError(`the configuration ${path} has an unknown key "${key}"`, `known keys: ${known}`);
    }
    const name = option.attributeName();
    const source = command.getOptionValueSource(name);
    if (source !== undefined && source !== 'default') continue;
    const parsed =
      option.parseArg === undefined || typeof value === 'boolean'
        ? value
        : parseValue(option, key, path, value);
    command.setOptionValueWithSource(name, parsed, 'config');
  }
}

function parseValue(option: Option, key: string, path: string, value: unknown): unknown {
  try {
    return option.parseArg?.(String(value), undefined as never);
  } catch (error) {
    throw new UserError(
      `the configuration ${path} has a bad value for "${key}": ${(error as Error).message}`,
    );
  }
}
