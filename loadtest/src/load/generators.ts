import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromGenerator, ToGenerator } from './generator.js';
import type { LoadPlan } from './plan.js';
import { Recorder, type EngineReport } from './recorder.js';

export interface GeneratorOptions {
  readonly processes: number;
  /** Told of each second once it is over. */
  readonly recorder: Recorder;
  readonly signal: AbortSignal;
}

/** Runs a plan with autocannon in processes of their own, which begin together once all their connections stand. */
export async function runAutocannon(plan: LoadPlan, options: GeneratorOptions): Promise<EngineReport> {
  const children = Array.from({ length: options.processes }, () => new Generator(options.recorder));
  const stop = (): void => children.forEach((child) => child.end());
  options.signal.addEventListener('abort', stop);
  try {
    children.forEach((child, index) =>
      child.send({ kind: 'plan', plan, share: { index, processes: options.processes } }),
    );
    await Promise.all(children.map(async (child) => child.ready));
    options.recorder.begin();
    for (const child of children) child.send({ kind: 'go' });
    const ends = await Promise.all(children.map(async (child) => child.done));
    options.recorder.end();
    return options.recorder.report({
      engine: 'autocannon',
      protocol: 'HTTP/1.1',
      missed: ends.reduce((sum, { missed }) => sum + missed, 0),
      cpuSeconds: ends.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      openModel: plan.groups[0]?.rate !== null,
    });
  } finally {
    options.signal.removeEventListener('abort', stop);
    stop();
  }
}

type Done = Extract<FromGenerator, { kind: 'done' }>;

class Generator {
  readonly ready: Promise<void>;
  readonly done: Promise<Done>;
  readonly #child: ChildProcess;

  constructor(recorder: Recorder) {
    const entry = fileURLToPath(new URL('./generator.js', import.meta.url));
    const child = fork(entry, { serialization: 'advanced', execArgv: [] });
    this.#child = child;
    let isReady: () => void = () => {};
    let isDone: (done: Done) => void = () => {};
    let failReady: (error: Error) => void = () => {};
    let failDone: (error: Error) => void = () => {};
    this.ready = new Promise((resolve, reject) => ([isReady, failReady] = [resolve, reject]));
    this.done = new Promise((resolve, reject) => ([isDone, failDone] = [resolve, reject]));
    const fail = (error: Error): void => {
      failReady(error);
      failDone(error);
    };
    // Whoever waits for neither when it fails has failed already.
    this.ready.catch(() => undefined);
    this.done.catch(() => undefined);
    child.on('message', (message: FromGenerator) => {
      if (message.kind === 'ready') isReady();
      else if (message.kind === 'tick') recorder.tick(message.tick);
      else if (message.kind === 'fault') recorder.fault(message.fault);
      else if (message.kind === 'done') {
        isDone(message);
        // Connections that never stood: it is over without ever having been ready.
        isReady();
      } else fail(new Error(message.message));
    });
    child.once('error', fail);
    child.once('exit', (code, signal) => fail(new Error(`a load generator ended with ${code ?? signal}`)));
  }

  send(message: ToGenerator): void {
    if (this.#child.connected) this.#child.send(message);
  }

  end(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
  }
}
