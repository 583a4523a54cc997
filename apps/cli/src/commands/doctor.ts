import type { Command } from 'commander';
import { unpackedTool } from '../cluster/program.js';
import { remoteCluster } from '../cluster/remote.js';
import { readState, resolveDataDir } from '../cluster/state.js';
import { checkLocalCluster, checkMasters, checkPorts } from '../doctor/cluster.js';
import { checkDataDirectory } from '../doctor/data-directory.js';
import { failure, type Finding, type Verdict, warning } from '../doctor/finding.js';
import { checkDescriptors, checkNode, checkTools } from '../doctor/machine.js';
import { onPath } from './kubectl.js';
import { clusterOptions, oneOf, remoteOption } from './options.js';

interface Flags {
  readonly name: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly output: 'text' | 'json';
}

type Check = () => Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>;

export function addDoctor(program: Command): void {
  remoteOption(clusterOptions(program.command('doctor')))
    .description('check this machine and the cluster, and say what to do; exits 1 when something fails')
    .addOption(oneOf('-o, --output <format>', 'output format', ['text', 'json']).default('text'))
    .action(async (flags: Flags) => {
      const findings: Finding[] = [];
      for (const [name, check] of Object.entries({ ...machineChecks(), ...clusterChecks(flags) })) {
        const found = await guarded(name, check);
        findings.push(...found);
        if (flags.output === 'text')
          process.stdout.write(found.map((finding) => `${line(finding)}\n`).join(''));
      }
      if (flags.output === 'json') process.stdout.write(`${JSON.stringify(findings, undefined, 2)}\n`);
      process.exitCode = findings.some(({ verdict }) => verdict === 'failure') ? 1 : 0;
    });
}

function machineChecks(): Readonly<Record<string, Check>> {
  const find = async (tool: string): Promise<string | undefined> =>
    onPath(tool) ?? (tool === 'kubectl' || tool === 'helm' ? unpackedTool(tool) : undefined);
  return {
    node: () => checkNode(),
    'file descriptors': checkDescriptors,
    tools: async () => checkTools(find),
  };
}

function clusterChecks({ name, dataDir: given, config }: Flags): Readonly<Record<string, Check>> {
  if (config !== undefined) return { cluster: async () => checkMasters(remoteCluster(config)) };
  const dataDir = resolveDataDir(name, given);
  return {
    'data directory': () => checkDataDirectory(dataDir),
    ports: async () => checkPorts(readState(dataDir)),
    cluster: async () => {
      const state = readState(dataDir);
      if (state !== undefined) return checkLocalCluster(state);
      return warning('cluster', `there is no cluster "${name}" here`, 'start one with `trireme up`');
    },
  };
}

/** A check that cannot be made is a finding, too: the others still say what they see. */
async function guarded(name: string, check: Check): Promise<readonly Finding[]> {
  try {
    return [await check()].flat();
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string };
    return [failure(name, message, hint ?? 'mend that, then look again')];
  }
}

const marks: Readonly<Record<Verdict, { readonly mark: string; readonly colour: number }>> = {
  ok: { mark: '✓', colour: 32 },
  warning: { mark: '!', colour: 33 },
  failure: { mark: '✗', colour: 31 },
};

function line({ check, verdict, text, advice }: Finding): string {
  const { mark, colour } = marks[verdict];
  const isColoured = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const painted = isColoured ? `\u001b[${colour}m${mark}\u001b[0m` : mark;
  return ` ${painted} ${check}: ${text}${advice === undefined ? '' : `\n     ${advice}`}`;
}
