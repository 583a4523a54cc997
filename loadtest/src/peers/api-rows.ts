import { fillPods, measureChange, measureCreate, measureGet, measureList } from '../measures/pods.js';
import { measureWatch } from '../measures/watch.js';
import type { LoadResult } from '../measures/closed-loop.js';
import { residentMiB } from '../processes.js';
import { startKubeApiserver } from '../targets/kube-apiserver.js';
import type { Target } from '../targets/target.js';
import { startTrireme } from '../targets/trireme.js';
import type { BenchContext, RowGroup } from './context.js';

const clients = 64;
const changedPods = 3_000;
const lists = 7;
const pages = 21;

/** A figure beside errors would be of another kind of work. */
function sound(result: LoadResult): LoadResult {
  if (result.errors > 0) throw new Error(`${result.errors} requests failed, first: ${result.firstError}`);
  return result;
}

const nameOf = ({ name }: Target): string => (name === 'trireme' ? 'trireme' : 'kube-apiserver');

/** Runs work on Trireme and on the peer, one after the other; each is stopped before the next one starts. */
async function onBoth(
  { has }: BenchContext,
  leavesOut: string,
  work: (target: Target) => Promise<void>,
): Promise<void> {
  const starts: (() => Promise<Target>)[] = [async () => startTrireme({ nodes: 0 })];
  if (has('kube-apiserver', leavesOut)) starts.push(async () => startKubeApiserver());
  for (const start of starts) {
    const target = await start();
    try {
      await work(target);
    } finally {
      await target.stop();
    }
  }
}

async function memoryMiB(target: Target): Promise<number> {
  const sizes = (await target.pids()).map((pid) => residentMiB(pid) ?? 0);
  return sizes.reduce((a, b) => a + b, 0) / target.servers.length;
}

async function reads(target: Target, context: BenchContext): Promise<void> {
  const { pods, seconds, record, define } = context;
  const count = (n: number): string => n.toLocaleString('en-US');
  // At three sizes: what a pod costs must not grow with how many there are. The greatest comes first, so that its memory
  // is that of nothing else.
  for (const size of [pods, pods / 2, pods / 4]) {
    const namespace = await fillPods(target, size);
    const perPod = `list, microseconds a pod, ${count(size)} pods`;
    define({ row: perPod, unit: 'µs', better: 'lower' });
    const whole = sound(await measureList(target, namespace, { limit: undefined, times: lists }));
    record(nameOf(target), perPod, (whole.p50Ms * 1_000) / size);
    const getRow = `pod get, microseconds of one client, ${count(size)} pods`;
    define({ row: getRow, unit: 'µs', better: 'lower' });
    const one = await measureGet(target, namespace, size, { clients: 1, seconds: 1, quorum: false });
    record(nameOf(target), getRow, sound(one).p50Ms * 1_000);
    if (size !== pods) continue;
    record(nameOf(target), `memory a replica, ${count(pods)} pods`, await memoryMiB(target));
    record(nameOf(target), `list of ${count(pods)} pods`, whole.p50Ms);
    const page = sound(await measureList(target, namespace, { limit: 500, times: pages }));
    record(nameOf(target), 'page of 500 pods', page.p50Ms);
    for (const quorum of [false, true]) {
      const got = await measureGet(target, namespace, pods, { clients, seconds, quorum });
      record(nameOf(target), `pod get, ${quorum ? 'quorum' : 'resourceVersion=0'}`, sound(got).perSecond);
    }
  }
}

export const readRows: RowGroup = {
  name: 'read',
  summary: 'gets, lists and pages of pods at three sizes, memory',
  run: async (context) => onBoth(context, 'reads', async (target) => reads(target, context)),
};

export const writeRows: RowGroup = {
  name: 'write',
  summary: 'creates, merge patches and deletes of pods',
  run: async (context) =>
    onBoth(context, 'writes', async (target) => {
      const { seconds, record } = context;
      const created = sound(await measureCreate(target, clients, seconds));
      record(nameOf(target), 'pod create, 64 clients', created.perSecond);
      record(nameOf(target), 'pod create p99', created.p99Ms);
      for (const change of ['patch', 'delete'] as const) {
        const changed = await measureChange(target, change, { clients, seconds, pods: changedPods });
        record(
          nameOf(target),
          `pod ${change === 'patch' ? 'merge patch' : 'delete'}`,
          sound(changed).perSecond,
        );
      }
    }),
};

export const watchRows: RowGroup = {
  name: 'watch',
  summary: 'events a second to 500 watchers; write to event at 200 watchers',
  run: async (context) =>
    onBoth(context, 'watches', async (target) => {
      const { record } = context;
      const flood = await measureWatch(target, {
        watchers: 500,
        writes: 500,
        perSecond: 'as fast as possible',
      });
      record(nameOf(target), 'watch, 500 watchers', flood.eventsPerSecond);
      const faults = flood.cut + flood.expected - flood.received;
      record(nameOf(target), 'watch, 500 watchers: cut or missed', faults);
      const paced = await measureWatch(target, { watchers: 200, writes: 500, perSecond: 50 });
      record(nameOf(target), 'watch, 200 watchers p99', paced.p99Ms);
    }),
};
