/**
 * One of the processes that send a load by autocannon; `processes.ts` starts it and is told of every second.
 */
import { generate, type GeneratorShare } from './autocannon.js';
import type { LoadPlan } from './plan.js';
import { type Tick, TickGatherer } from './ticks.js';

export type ToGenerator =
  | { readonly kind: 'plan'; readonly plan: LoadPlan; readonly share: GeneratorShare }
  | { readonly kind: 'go' };

export type FromGenerator =
  | { readonly kind: 'ready' }
  | { readonly kind: 'tick'; readonly tick: Tick }
  | { readonly kind: 'fault'; readonly fault: string }
  | { readonly kind: 'done'; readonly missed: number; readonly cpuSeconds: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Faults that are told one by one; the rest are counted alone. */
const toldFaults = 20;

const tell = (message: FromGenerator): void => void process.send?.(message);
/** The channel closes when the last message has gone out. */
const tellLast = (message: FromGenerator): void =>
  void process.send?.(message, undefined, {}, () => process.disconnect());
let told = 0;
let go: () => void = () => {};

async function run(plan: LoadPlan, share: GeneratorShare): Promise<void> {
  let turns: NodeJS.Timeout | undefined;
  let before = process.cpuUsage();
  const missed = await generate(plan, share, {
    onFault: (fault) => {
      if (told++ < toldFaults) tell({ kind: 'fault', fault });
    },
    ready: async () => {
      const asked = new Promise<void>((resolve) => (go = resolve));
      tell({ kind: 'ready' });
      await asked;
      before = process.cpuUsage();
      const gatherer = new TickGatherer((tick) => tell({ kind: 'tick', tick }));
      turns = setInterval(() => gatherer.turn(), 200);
      return gatherer;
    },
  });
  clearInterval(turns);
  const { user, system } = process.cpuUsage(before);
  tellLast({ kind: 'done', missed, cpuSeconds: (user + system) / 1e6 });
}

process.on('message', (message: ToGenerator) => {
  if (message.kind === 'go') return go();
  run(message.plan, message.share).catch((error: unknown) =>
    tellLast({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
// Ctrl-C reaches the whole group of processes: the one that asked decides, and ends this one.
process.on('SIGINT', () => {});
// Whoever asked has gone: nobody wants the load any more.
process.on('disconnect', () => process.exit());
