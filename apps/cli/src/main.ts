/** `trireme`: the command line. One file a command under commands/; what they do to a cluster lives in cluster/. */
import { CommanderError } from 'commander';
import { createProgram } from './program.js';
import { reportError } from './ui/errors.js';

try {
  await createProgram().parseAsync();
} catch (error) {
  // Commander has printed its own errors (wrong flags) and help already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else process.exitCode = reportError(error);
}
