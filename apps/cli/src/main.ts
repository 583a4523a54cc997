/** `trireme`: the command line. One file a command under commands/; what they do to a cluster lives in cluster/. */
import { Command, CommanderError } from 'commander';
import { addAlarm } from './commands/alarm.js';
import { addChaos } from './commands/chaos.js';
import { addCompletion } from './commands/completion.js';
import { addDashboard } from './commands/dashboard.js';
import { addDown } from './commands/down.js';
import { addFailover } from './commands/failover.js';
import { addKubeconfig } from './commands/kubeconfig.js';
import { addLoad } from './commands/load.js';
import { addMember } from './commands/member.js';
import { addPki } from './commands/pki.js';
import { addProcesses } from './commands/processes.js';
import { addSnapshot } from './commands/snapshot.js';
import { addStatus } from './commands/status.js';
import { addTransferLeader } from './commands/transfer-leader.js';
import { addUp } from './commands/up.js';
import { addVersion } from './commands/version.js';
import { reportError } from './ui/errors.js';

const program = new Command('trireme')
  .description('a highly available, Kubernetes-compatible control plane')
  .option('-q, --quiet', 'no progress on stderr')
  .showHelpAfterError('(--help lists what there is)')
  .exitOverride();

for (const add of [
  addUp,
  addDown,
  addStatus,
  addKubeconfig,
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
  addVersion,
  addCompletion,
]) {
  add(program);
}

function overrideExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExit(child);
}
overrideExit(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own errors (wrong flags) and help already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else process.exitCode = reportError(error);
}
