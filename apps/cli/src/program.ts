import { Command } from 'commander';
import { addAlarm } from './commands/alarm.js';
import { addChaos } from './commands/chaos.js';
import { addCompletion } from './commands/completion.js';
import { addConfig } from './commands/config.js';
import { addDashboard } from './commands/dashboard.js';
import { addDoctor } from './commands/doctor.js';
import { addDown } from './commands/down.js';
import { addFailover } from './commands/failover.js';
import { addKubeconfig } from './commands/kubeconfig.js';
import { addKubectl } from './commands/kubectl.js';
import { addLoad } from './commands/load.js';
import { addLogs } from './commands/logs.js';
import { addMember } from './commands/member.js';
import { addPki } from './commands/pki.js';
import { addProcesses } from './commands/processes.js';
import { addSnapshot } from './commands/snapshot.js';
import { addStatus } from './commands/status.js';
import { addTransferLeader } from './commands/transfer-leader.js';
import { addUp } from './commands/up.js';
import { addVersion } from './commands/version.js';

const commands = [
  addUp,
  addDown,
  addStatus,
  addLogs,
  addDoctor,
  addKubeconfig,
  addKubectl,
  addTransferLeader,
  addMember,
  addSnapshot,
  addAlarm,
  addChaos,
  addLoad,
  addDashboard,
  addFailover,
  addProcesses,
  addPki,
  addConfig,
  addVersion,
  addCompletion,
];

/** The command with all that it knows; it throws CommanderError where others would end the process. */
export function createProgram(): Command {
  const program = new Command('trireme')
    .description('a highly available, Kubernetes-compatible control plane')
    .option('-q, --quiet', 'no progress on stderr')
    .showHelpAfterError('(--help lists what there is)');
  for (const add of commands) add(program);
  overrideExit(program);
  return program;
}

function overrideExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExit(child);
}
