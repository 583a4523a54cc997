import { readdirSync } from 'node:fs';
import { Argument, type Command, type Option } from 'commander';
import { type ClusterState, readState, resolveDataDir, triremeHome } from '../cluster/state.js';
import { clusterOptions, NamesArgument } from './options.js';

/** The words on a line so far, the last of which is being typed: what may stand there. */
export interface Completed {
  readonly words: readonly string[];
  /** `--name` and `--data-dir` as given on the line. */
  readonly flags: { readonly name?: string; readonly dataDir?: string };
}

/** What may stand where the last word is being typed, from the program itself: completion never lags behind. */
export function complete(
  program: Command,
  words: readonly string[],
  stateOf: (flags: Completed['flags']) => ClusterState | undefined,
): readonly string[] {
  const flags: Record<string, string> = {};
  let command = program;
  let positional = 0;
  const before = words.slice(0, -1);
  for (let i = 0; i < before.length; i++) {
    const word = before[i] ?? '';
    const option = optionOf(command, program, word);
    if (option !== undefined) {
      if (!option.required || word.includes('=')) continue;
      const value = before[++i];
      if (value === undefined) return valuesOf(option, stateOf(flags));
      flags[option.attributeName()] = value;
      continue;
    }
    if (word === '--') return [];
    const child = command.commands.find((each) => each.name() === word);
    if (child === undefined) positional++;
    else command = child;
  }
  const argument = command.registeredArguments.at(
    Math.min(positional, command.registeredArguments.length - 1),
  );
  const reached =
    argument !== undefined && (positional < command.registeredArguments.length || argument.variadic);
  return [
    ...visible(command).map((child) => child.name()),
    ...(reached ? candidatesOf(argument, () => stateOf(flags)) : []),
    ...command.options.flatMap(({ long, hidden }) => (long === undefined || hidden ? [] : [long])),
  ];
}

function optionOf(command: Command, program: Command, word: string): Option | undefined {
  if (!word.startsWith('-') || word === '--') return undefined;
  const flag = word.split('=')[0] ?? word;
  return [...command.options, ...program.options].find(({ long, short }) => long === flag || short === flag);
}

function visible(command: Command): Command[] {
  const shown = new Set(command.createHelp().visibleCommands(command));
  return command.commands.filter((child) => shown.has(child) && child.name() !== 'help');
}

function candidatesOf(argument: Argument, state: () => ClusterState | undefined): readonly string[] {
  if (!(argument instanceof NamesArgument)) return argument.argChoices ?? [];
  const known = state();
  return known === undefined ? [] : argument.candidates(known);
}

function valuesOf(option: Option, state: ClusterState | undefined): readonly string[] {
  if (option.argChoices !== undefined) return option.argChoices;
  if (option.long === '--name') return clusterNames();
  if (option.long === '--from') return state?.masters.map(({ name }) => name) ?? [];
  return [];
}

function clusterNames(): string[] {
  try {
    return readdirSync(triremeHome()).flatMap((file) => /^(.+)\.location$/.exec(file)?.[1] ?? []);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // nothing was ever started
    throw error;
  }
}

/** The shells ask the program itself; where it knows nothing, they offer files. */
const scripts = {
  bash: `_trireme() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(trireme complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _trireme trireme
`,
  fish: `complete -c trireme -k -a '(trireme complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a completion script: source <(trireme completion bash)')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: 'bash' | 'zsh' | 'fish') => {
      const script =
        shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${scripts.bash}` : scripts[shell];
      process.stdout.write(script);
    });

  clusterOptions(program.command('complete', { hidden: true }))
    .description('what may stand where the last of these words is being typed, one a line')
    .argument('[words...]')
    .action((words: string[], own: { readonly name: string; readonly dataDir?: string }) => {
      const found = complete(program, words.length === 0 ? [''] : words, (flags) =>
        readState(resolveDataDir(flags.name ?? own.name, flags.dataDir ?? own.dataDir)),
      );
      process.stdout.write(found.map((word) => `${word}\n`).join(''));
    });
}
