/**
 * `npm run bench`: Trireme against three kube-apiservers on three etcd, one after the other in one run, repeated; prints
 * medians, spreads and ratios. Peers come from the PATH; one that is absent is named as absent.
 *
 *     npm run bench -- --runs 3 --seconds 5 --rows create,get,get-quorum,list,page,watch,memory,schedule
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Command } from 'commander';
import { formatRows, type Row } from './bench-table.js';
import { fillPods, measureCreate, measureGet, measureList } from './measures/pods.js';
import { measureScheduling, waitForNodes } from './measures/scheduling.js';
import { measureWatch } from './measures/watch.js';
import { findProgram, residentMiB } from './processes.js';
import { missingForKubeApiserver, startKubeApiserver } from './targets/kube-apiserver.js';
import type { Target } from './targets/target.js';
import { startKubeScheduler } from './targets/kube-scheduler.js';
import { startTrireme } from './targets/trireme.js';

interface Flags {
  readonly runs: string;
  readonly seconds: string;
  readonly clients: string;
  readonly pods: string;
  readonly rows: string;
  readonly peers: boolean;
  readonly json?: string;
}

const allRows = ['create', 'get', 'get-quorum', 'list', 'page', 'watch', 'memory', 'schedule'];

const flags = new Command('bench')
  .option('--runs <n>', 'how often everything is repeated', '3')
  .option('--seconds <n>', 'length of each load', '5')
  .option('--clients <n>', 'clients, each with an HTTP/2 connection of its own', '64')
  .option('--pods <n>', 'pods that lists and gets find', '10000')
  .option('--rows <list>', `rows to measure: ${allRows.join(',')}`, allRows.join(','))
  .option('--no-peers', 'measure Trireme alone')
  .option('--json <file>', 'also write the figures to a file')
  .parse()
  .opts<Flags>();

const rows = new Set(flags.rows.split(','));
const seconds = Number(flags.seconds);
const clients = Number(flags.clients);
const pods = Number(flags.pods);
const figures = new Map<string, Row>();

function record(row: string, unit: string, better: 'higher' | 'lower', target: Target, value: number): void {
  const known = figures.get(row) ?? { row, unit, better, trireme: [], peer: [] };
  figures.set(row, known);
  (target.name === 'trireme' ? known.trireme : known.peer).push(value);
  process.stderr.write(`  ${target.name}: ${row} ${value.toFixed(1)} ${unit}\n`);
}

async function api(target: Target): Promise<void> {
  // Reads first: memory is that of a replica which holds these pods and nothing else.
  if (['get', 'get-quorum', 'list', 'page', 'memory'].some((row) => rows.has(row))) await reads(target);
  if (rows.has('create')) {
    const result = await measureCreate(target, clients, seconds);
    if (result.errors > 0) process.stderr.write(`  ${result.errors} errors, first: ${result.firstError}\n`);
    record('pod create', 'requests/s', 'higher', target, result.perSecond);
    record('pod create p99', 'ms', 'lower', target, result.p99Ms);
  }
  if (rows.has('watch')) {
    const result = await measureWatch(target, { watchers: 200, writes: 1_000, perSecond: 50 });
    record('watch p50, 200 watchers', 'ms', 'lower', target, result.p50Ms);
    record('watch p99, 200 watchers', 'ms', 'lower', target, result.p99Ms);
    record(
      'watchers cut or events missed',
      'count',
      'lower',
      target,
      result.cut + result.expected - result.received,
    );
  }
}

async function reads(target: Target): Promise<void> {
  const namespace = await fillPods(target, pods);
  if (rows.has('memory')) await memory(target);
  for (const quorum of [false, true]) {
    if (!rows.has(quorum ? 'get-quorum' : 'get')) continue;
    const result = await measureGet(target, namespace, pods, { clients, seconds, quorum });
    if (result.errors > 0) process.stderr.write(`  ${result.errors} errors, first: ${result.firstError}\n`);
    record(`pod get${quorum ? ' (quorum)' : ''}`, 'requests/s', 'higher', target, result.perSecond);
  }
  if (rows.has('list')) {
    const result = await measureList(target, namespace, { limit: undefined, times: 7 });
    record(`list of ${pods} pods`, 'ms', 'lower', target, result.p50Ms);
  }
  if (rows.has('page')) {
    const result = await measureList(target, namespace, { limit: 500, times: 21 });
    record('page of 500 pods', 'ms', 'lower', target, result.p50Ms);
  }
}

async function memory(target: Target): Promise<void> {
  const sizes = (await target.pids()).map((pid) => residentMiB(pid) ?? 0);
  const total = sizes.reduce((a, b) => a + b, 0);
  record(`memory a replica, ${pods} pods`, 'MiB', 'lower', target, total / target.servers.length);
}

async function withTarget(
  start: () => Promise<Target>,
  work: (target: Target) => Promise<void>,
): Promise<void> {
  const target = await start();
  try {
    await work(target);
  } finally {
    await target.stop();
  }
}

const missing = flags.peers ? missingForKubeApiserver() : ['(not asked for)'];
if (flags.peers && missing.length > 0) {
  process.stderr.write(
    `absent: ${missing.join(', ')} not on the PATH, so no comparison with kube-apiserver\n`,
  );
}
const schedulerPresent = missing.length === 0 && findProgram('kube-scheduler') !== undefined;
if (missing.length === 0 && !schedulerPresent) {
  process.stderr.write('absent: kube-scheduler not on the PATH, so no comparison of scheduling\n');
}
const apiRows = [...rows].some((row) => row !== 'schedule');
for (let run = 1; run <= Number(flags.runs); run++) {
  process.stderr.write(`run ${run} of ${flags.runs}\n`);
  if (apiRows) {
    await withTarget(async () => startTrireme({ nodes: 0 }), api);
    if (missing.length === 0) await withTarget(startKubeApiserver, api);
  }
  if (rows.has('schedule')) {
    const schedule = async (target: Target): Promise<void> => {
      // As every other row's: both sides settle before they are measured.
      await measureScheduling(target, 2_000);
      const result = await measureScheduling(target, 5_000);
      record('pods created and bound, 1,000 nodes', 'pods/s', 'higher', target, result.podsPerSecond);
    };
    await withTarget(
      // Nodes that register and heartbeat, and start no pod meanwhile, as the bare node objects of a scheduler's own benchmark.
      async () => startTrireme({ nodes: 1_000, args: ['--pod-start-delay', '30m'] }),
      async (target) => {
        await waitForNodes(target, 1_000);
        await schedule(target);
      },
    );
    if (schedulerPresent) await withTarget(async () => startKubeScheduler(1_000), schedule);
  }
}
process.stdout.write(`${formatRows([...figures.values()])}\n`);
if (flags.json !== undefined) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
  writeFileSync(flags.json, `${JSON.stringify({ machine, rows: [...figures.values()] }, undefined, 2)}\n`);
}
