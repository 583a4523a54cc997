import { type Command, InvalidArgumentError, Option } from 'commander';
import { masterConfigKeys } from './config.js';

/** `securePort` → `secure-port`, `SECURE_PORT`. */
const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const snake = (key: string): string => kebab(key).replaceAll('-', '_').toUpperCase();

/**
 * A flag and a variable `TRIREME_MASTER_…` for each key of the configuration: what differs from master to master (its
 * name, its address) where all share one file. Values that are no text (numbers, true, lists) are written as JSON. A
 * flag wins over the environment, that over the file.
 */
export function addConfigFlags(command: Command): Command {
  for (const [key, rule] of Object.entries(masterConfigKeys)) {
    const parse = (text: string): unknown => {
      if (rule.safeParse(text).success) return text;
      try {
        return JSON.parse(text);
      } catch {
        throw new InvalidArgumentError(`"${text}" is no value for ${key}.`);
      }
    };
    command.addOption(
      // `--join` alone is `--join true`.
      new Option(
        `--${kebab(key)} ${rule.safeParse(true).success ? '[value]' : '<value>'}`,
        `\`${key}\` of the configuration`,
      )
        .env(`TRIREME_MASTER_${snake(key)}`)
        .preset('true')
        .argParser(parse),
    );
  }
  return command;
}
