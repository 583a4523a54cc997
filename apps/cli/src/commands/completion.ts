import { Argument, type Command } from 'commander';

interface Entry {
  readonly path: string;
  readonly words: readonly string[];
}

/** Every command with the words that may follow it, from the program itself: completion never lags behind. */
function entries(command: Command, path = ''): Entry[] {
  const visible = command.commands.filter((child) => child.name() !== 'help');
  const words = [
    ...visible.map((child) => child.name()),
    ...command.options.flatMap((option) => (option.long === undefined || option.hidden ? [] : [option.long])),
  ];
  return [{ path, words }, ...visible.flatMap((child) => entries(child, `${path} ${child.name()}`.trim()))];
}

function bashScript(all: readonly Entry[]): string {
  const cases = all.map(({ path, words }) => `    "${path}") words="${words.join(' ')}" ;;`).join('\n');
  return `_trireme() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _trireme trireme
`;
}

function fishScript(all: readonly Entry[]): string {
  return all
    .flatMap(({ path, words }) => {
      const condition =
        path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1)}`;
      return words.map((word) =>
        word.startsWith('--')
          ? `complete -c trireme -f -n '${condition}' -l ${word.slice(2)}`
          : `complete -c trireme -f -n '${condition}' -a ${word}`,
      );
    })
    .join('\n')
    .concat('\n');
}

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a completion script: source <(trireme completion bash)')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: string) => {
      const all = entries(program);
      if (shell === 'fish') process.stdout.write(fishScript(all));
      else if (shell === 'bash') process.stdout.write(bashScript(all));
      else process.stdout.write(`autoload -U +X bashcompinit && bashcompinit\n${bashScript(all)}`);
    });
}
