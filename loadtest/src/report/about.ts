import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus, release, totalmem } from 'node:os';
import { dirname } from 'node:path';

/** Where and of what a report was made. */
export interface About {
  readonly startedAt: string;
  /** As it was typed. */
  readonly command: string;
  readonly version: string;
  /** Of the sources that run; null outside of a clone. A `+` says that they were changed since. */
  readonly commit: string | null;
  readonly machine: {
    readonly cpus: number;
    readonly model: string;
    readonly memoryGiB: number;
    readonly system: string;
    readonly node: string;
  };
}

/** `command` is the tool's name with its arguments as they were typed. */
export function aboutThis(command: string, startedAt: Date): About {
  const require = createRequire(import.meta.url);
  const path = require.resolve('#package.json');
  const { version } = require('#package.json') as { version: string };
  return {
    startedAt: startedAt.toISOString(),
    command,
    version,
    commit: commitOf(dirname(path)),
    machine: {
      cpus: cpus().length,
      model: cpus()[0]?.model ?? 'unknown',
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${release()} ${process.arch}`,
      node: process.version,
    },
  };
}

function commitOf(folder: string): string | null {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${changed ? '+' : ''}`;
  } catch {
    // No git here, or no clone: an installed package.
    return null;
  }
}
