import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../../../apps/cli/src/ui/errors.js';

/** Where a tool of the lab writes its report, and what it is compared with. */
export interface Outputs {
  readonly json?: string;
  readonly report?: string;
  readonly baseline?: string;
}

export function outputFlags(command: Command): Command {
  return command
    .option('--json <file>', 'also write the report as JSON')
    .option('--report <file>', 'also write the report as one HTML page')
    .option('--baseline <file>', 'JSON of an earlier run to compare with');
}

/** Throws a UserError now rather than after the work when a file could not be written. */
export function outputsOf(command: Command): Outputs {
  const { json, report, baseline } = command.opts<Outputs>();
  for (const [flag, path] of [
    ['--json', json],
    ['--report', report],
  ] as const) {
    if (path === undefined) continue;
    try {
      accessSync(dirname(resolve(path)), constants.W_OK);
    } catch (error) {
      throw new UserError(`${flag} ${path} cannot be written: ${(error as Error).message}`);
    }
  }
  return {
    ...(json === undefined ? {} : { json: resolve(json) }),
    ...(report === undefined ? {} : { report: resolve(report) }),
    ...(baseline === undefined ? {} : { baseline: resolve(baseline) }),
  };
}
