/** `trireme master`: one replica. Reads its configuration, starts, serves until SIGTERM. */
import 'reflect-metadata';
import { Command } from 'commander';
import { createLogger, type Logger } from '#libs/telemetry';
import { loadMasterConfig } from './config.js';
import { addConfigFlags } from './flags.js';
import { startMaster } from './master.js';
import { requestIds } from './telemetry/request-context.js';

function stopOnSignals(stop: () => Promise<void>, logger: Logger): void {
  let stopping = false;
  const end = (why: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ why }, 'stopping');
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ error: (error as Error).stack }, 'the end was not orderly');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end(signal));
  // Under a supervisor the other end of standard input closes when it dies: nothing is left behind.
  if (process.env['TRIREME_SUPERVISED'] === '1')
    process.stdin.resume().once('close', () => end('supervisor gone'));
}

const program = addConfigFlags(
  new Command('trireme master')
    .description('run one master replica')
    .requiredOption('--config <file>', 'JSON configuration; see docs/operations.md'),
).parse();

const logger = createLogger('master', undefined, requestIds);
try {
  const { config: file, ...overrides } = program.opts<{ readonly config: string }>();
  const config = loadMasterConfig(file, overrides);
  stopOnSignals(await startMaster(config, logger), logger);
} catch (error) {
  // What the operator can mend is one line; the stack is for the log at debug level.
  logger.debug({ error: (error as Error).stack }, 'start failed');
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exit(1);
}
