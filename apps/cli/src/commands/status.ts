import type { Command } from 'commander';
import { stringify } from 'yaml';
import { type ClusterStatus, clusterStatus } from '../cluster/status.js';
import { formatTable } from '../ui/table.js';
import { chosenCluster, clusterOptions, oneOf, remoteOption } from './options.js';

interface StatusOptions {
  readonly name: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly output: 'table' | 'json' | 'yaml';
  readonly watch: boolean;
}

export function addStatus(program: Command): void {
  remoteOption(clusterOptions(program.command('status')))
    .description('show members, leader, term, indexes and health; exits 1 without a quorum')
    .addOption(oneOf('-o, --output <format>', 'output format', ['table', 'json', 'yaml']).default('table'))
    .option('--watch', 'print again each second until Ctrl-C', false)
    .action(async (options: StatusOptions) => {
      for (;;) {
        const status = await clusterStatus(chosenCluster(options));
        process.stdout.write(`${format(status, options.output)}\n`);
        process.exitCode = status.quorum ? 0 : 1;
        if (!options.watch) return;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    });
}

function format(status: ClusterStatus, output: StatusOptions['output']): string {
  if (output === 'json') return JSON.stringify(status, undefined, 2);
  if (output === 'yaml') return stringify(status).trimEnd();
  const newest = Math.max(...status.members.map((member) => member.commitIndex));
  const rows = status.members.map((member) => [
    member.name,
    ...(member.term === 0
      ? [member.pid === undefined ? 'down' : 'no answer', '-', '-', '-', '-', '-']
      : [
          member.role,
          member.term,
          member.commitIndex,
          member.appliedIndex,
          Math.max(0, newest - member.appliedIndex),
          mebibytes(member.sizeBytes),
        ].map(String)),
    member.healthy ? 'yes' : 'no',
    member.pid === undefined ? '-' : String(member.pid),
    member.apiServer,
  ]);
  const summary = `cluster ${status.cluster}: ${status.quorum ? `leader ${status.leader}, term ${status.term}` : 'no quorum'}`;
  const table = formatTable(
    ['MEMBER', 'ROLE', 'TERM', 'COMMIT', 'APPLIED', 'LAG', 'STORE', 'READY', 'PID', 'API SERVER'],
    rows,
  );
  const alarms = status.alarms.map(
    ({ type, member }) => `alarm ${type} of ${member}: see \`trireme alarm list\`\n`,
  );
  return `${summary}\n${alarms.join('')}\n${table}`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)}Mi`;
}
