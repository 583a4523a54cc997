import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const linesAProcess = 12;

/** What a process that could not start said last, from its log. */
export function lastError(logFile: string): string | undefined {
  const lines = readFileSync(logFile, 'utf8').split('\n');
  return lines.findLast((line) => line.startsWith('error: '))?.slice('error: '.length);
}

/** The last lines of each log of a cluster, by the name of the process; without those that have logged nothing. */
export function lastLines(dataDir: string): Readonly<Record<string, string>> {
  const folder = join(dataDir, 'logs');
  const logs = readdirSync(folder)
    .filter((file) => file.endsWith('.log'))
    .map((file): [string, string] => {
      const lines = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n').slice(-linesAProcess);
      return [file.slice(0, -'.log'.length), lines.join('\n')];
    });
  return Object.fromEntries(logs.filter(([, lines]) => lines !== ''));
}
