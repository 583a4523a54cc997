import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type ClusterState, requireState } from '../cluster/state.js';
import { interleave, type LogLine } from '../logs/lines.js';
import { LogFile } from '../logs/log-file.js';
import { UserError } from '../ui/errors.js';
import { endOfReader } from '../ui/output.js';
import { clusterOptions, duration, integer, NamesArgument } from './options.js';

interface Flags {
  readonly name: string;
  readonly dataDir?: string;
  readonly follow: boolean;
  readonly tail?: number;
  readonly since?: number;
}

/** How often the files are looked at. */
const followMs = 200;

export function addLogs(program: Command): void {
  clusterOptions(program.command('logs'))
    .description("print the logs of a cluster's processes, interleaved by time; also of one that is stopped")
    .addArgument(
      new NamesArgument(
        '[processes...]',
        'masters by name, `nodes`, `supervisor`; without one, all of them',
        (state) => processesOf(state),
      ),
    )
    .option('-f, --follow', 'go on with what is logged from now on, until Ctrl-C', false)
    .addOption(
      new Option('--tail <n>', 'only the last lines of each process').argParser(integer(0, 10_000_000)),
    )
    .addOption(new Option('--since <duration>', 'only what is not older').argParser(duration))
    .action(async (wanted: readonly string[], flags: Flags) => {
      const state = requireState(flags.name, flags.dataDir);
      const names = chosen(state, wanted);
      const files = names.map((name) => new LogFile(name, join(state.dataDir, 'logs', `${name}.log`)));
      const width = Math.max(...names.map((name) => name.length));
      const print = (lines: readonly LogLine[]): void => {
        const prefixed = ({ source, text }: LogLine): string =>
          names.length === 1 ? `${text}\n` : `${source.padEnd(width)} | ${text}\n`;
        if (lines.length > 0) process.stdout.write(lines.map(prefixed).join(''));
      };
      endOfReader(process.stdout);
      const recent = files.map((file) => recentOf(file.all(), flags));
      print(interleave(recent));
      while (flags.follow) {
        await new Promise((resolve) => setTimeout(resolve, followMs));
        print(interleave(files.map((file) => file.more())));
      }
      for (const file of files) file.close();
    });
}

function recentOf(lines: readonly LogLine[], { tail, since }: Flags): readonly LogLine[] {
  const from = since === undefined ? 0 : Date.now() - since;
  const young = lines.filter(({ timeMs }) => timeMs >= from);
  return tail === undefined ? young : young.slice(Math.max(0, young.length - tail));
}

/** Who has logged, and who will. */
function processesOf(state: ClusterState): string[] {
  const names = new Set(state.masters.map(({ name }) => name));
  if (state.nodes > 0) names.add('nodes');
  for (const file of logsOf(state)) names.add(file.slice(0, -'.log'.length));
  return [...names];
}

function logsOf(state: ClusterState): string[] {
  try {
    return readdirSync(join(state.dataDir, 'logs')).filter((file) => file.endsWith('.log'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // restored, and never started
    throw error;
  }
}

function chosen(state: ClusterState, wanted: readonly string[]): readonly string[] {
  const known = processesOf(state);
  const names = [...new Set(wanted.map((name) => (name === 'node' ? 'nodes' : name)))];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UserError(`there is no log of "${unknown}"`, `processes: ${known.join(', ')}`);
  }
  return names.length === 0 ? known : names;
}
