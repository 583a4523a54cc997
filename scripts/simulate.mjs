// `npm run simulate`: the whole group in simulated time, seed by seed, on all cores. See docs/simulation.md.
//   --seeds N      how many seeds (200)            --events M    events of each before its faults end (20000)
//   --seed S       the first one (a fresh one)     --replay      run that seed twice, compare the traces, tell its story
//   --mutant K     plant a bug first; `all` plants each in turn and looks for it in up to --seeds seeds
//   --workers W    processes (one a core)          --skip a,b    faults that do not strike (what shrinking found)
import { fork } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { root } from './ensure-ready.mjs';

const text = { type: 'string' };
const { values: flags } = parseArgs({
  options: {
    seeds: text,
    events: text,
    seed: text,
    skip: text,
    mutant: text,
    workers: text,
    replay: { type: 'boolean' },
  },
});
const seeds = Number(flags.seeds ?? (flags.mutant === undefined ? 200 : 2000));
const events = Number(flags.events ?? 20_000);
const first = Number(flags.seed ?? (flags.mutant === undefined ? Math.floor(Math.random() * 2 ** 40) : 1));
const workers = Number(flags.workers ?? availableParallelism());
const skip = (flags.skip ?? '').split(',').filter(Boolean).map(Number);
const folder = join(root, 'node_modules', '.cache', 'simulation', String(process.pid));

/** Joins the product and its simulator into one file, with a bug planted in it if one is given. */
async function bundle(name, mutant) {
  const plant = {
    name: 'mutant',
    load(id) {
      if (mutant === undefined || id !== join(root, mutant.file)) return undefined;
      const source = readFileSync(id, 'utf8');
      const parts = source.split(mutant.text);
      if (parts.length !== 2)
        throw new Error(`mutant ${mutant.id}: its text occurs ${parts.length - 1} times in ${mutant.file}`);
      return { code: parts.join(mutant.replacement), moduleType: 'ts' };
    },
  };
  const build = await rolldown({
    input: {
      worker: join(root, 'libs/simulation/src/worker.ts'),
      index: join(root, 'libs/simulation/src/index.ts'),
    },
    cwd: root,
    platform: 'node',
    resolve: { conditionNames: ['source', 'node', 'import', 'default'] },
    plugins: [plant],
    // Packages that Nest asks for only when they are used.
    onLog: () => undefined,
  });
  const dir = join(folder, name);
  await build.write({
    dir,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
  });
  await build.close();
  return dir;
}

/** Processes that run what they are given, one run at a time each. `next` gives undefined when there is no more. */
async function swarm(dir, count, next, onResult) {
  let stopped = false;
  const work = () =>
    new Promise((resolve, reject) => {
      const child = fork(join(dir, 'worker.mjs'), { execArgv: ['--max-old-space-size=1024'] });
      let running;
      const give = () => {
        running = stopped ? undefined : next();
        if (running === undefined) child.disconnect();
        else child.send(running);
      };
      child.on('message', (message) => {
        if (message !== 'ready' && onResult(message, running) === false) stopped = true;
        if (message.crash === undefined) give();
      });
      child.on('exit', (code) => {
        if (running !== undefined)
          onResult({ seed: running.seed, crash: `the worker ended with code ${code}` }, running);
        if (code === 0) resolve();
        else reject(new Error(`a worker ended with code ${code}, at seed ${running?.seed}`));
      });
    });
  await Promise.all(Array.from({ length: count }, work));
}

async function runOne(dir, options) {
  let result;
  const queue = [options];
  await swarm(
    dir,
    1,
    () => queue.shift(),
    (one) => {
      result = one;
    },
  );
  return result;
}

const command = (seed, count, left) =>
  `npm run simulate -- --replay --seed ${seed} --events ${count}${left.length === 0 ? '' : ` --skip ${left.join()}`}${flags.mutant === undefined ? '' : ` --mutant ${flags.mutant}`}`;

/** Takes faults away, in large pieces first, as long as the run still fails in any way. */
async function shrink(dir, failed) {
  // After the faults the run goes on by itself: what failed there is shown with all of its faults before.
  const count = Math.min(events, failed.violation.event + 1);
  let left = [];
  let tries = 0;
  let kept = Array.from({ length: failed.faults }, (_, i) => i + 1).filter((fault) => !skip.includes(fault));
  for (let size = Math.ceil(kept.length / 2); size >= 1 && tries < 120; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length && tries < 120;) {
      const without = [...left, ...kept.slice(at, at + size)];
      tries += 1;
      const again = await runOne(dir, { seed: failed.seed, events: count, skip: without });
      if (again.violation === undefined) at += size;
      else {
        left = without;
        kept = kept.filter((_, i) => i < at || i >= at + size);
      }
    }
  }
  return { count, left: left.sort((a, b) => a - b), faults: kept.length };
}

function tellFailure(result) {
  console.log(`✗ seed ${result.seed}: ${result.crash ?? result.violation.what}`);
  if (result.violation !== undefined)
    console.log(
      `  at ${result.violation.at.toFixed(3)} ms, event ${result.violation.event}; ${JSON.stringify(result.scenario)}`,
    );
}

/** Runs seeds; returns what failed, and prints what it was all worth. */
async function stage(dir) {
  const started = performance.now();
  const coverage = new Map();
  const sums = {
    events: 0,
    faults: 0,
    elections: 0,
    committed: 0,
    operations: 0,
    answered: 0,
    reads: 0,
    watchEvents: 0,
    undecided: 0,
    simulatedMs: 0,
  };
  const failures = [];
  let given = 0;
  let done = 0;
  const next = () => (given < seeds ? { seed: first + given++, events, skip } : undefined);
  await swarm(dir, workers, next, (result) => {
    if (result.crash !== undefined || result.violation !== undefined) {
      tellFailure(result);
      failures.push(result);
    }
    if (result.crash !== undefined) return;
    done += 1;
    for (const key of Object.keys(sums)) sums[key] += result[key];
    for (const [site, times] of result.coverage) coverage.set(site, (coverage.get(site) ?? 0) + times);
    if (done % 1_000 === 0) console.log(`${done} seeds, ${failures.length} failures`);
  });
  const seconds = (performance.now() - started) / 1000;
  const untested = [...coverage].filter(([, times]) => times === 0).map(([site]) => site);
  for (const [site, times] of coverage) console.log(`${String(times).padStart(9)} × ${site}`);
  console.log(
    `${done} seeds from ${first}, ${sums.events} events in ${seconds.toFixed(1)} s (${Math.round(sums.events / seconds)} events/s), ${(sums.simulatedMs / 1000).toFixed(0)} simulated seconds: ${sums.faults} faults, ${sums.elections} elections, ${sums.committed} entries, ${sums.answered} of ${sums.operations} operations answered, ${sums.reads} reads, ${sums.watchEvents} watch items, ${sums.undecided} histories undecided; ${failures.length} failures`,
  );
  if (untested.length > 0) console.log(`untested: ${untested.join('; ')}`);
  // The rarest fault takes effect three times in 100 seeds: fewer than 1,000 can miss it by chance.
  return { failures, untested: seeds >= 1_000 ? untested : [] };
}

async function replay(dir) {
  const options = { seed: first, events, skip, tell: true };
  const [one, other] = [await runOne(dir, options), await runOne(dir, options)];
  console.log(one.story.join('\n'));
  console.log(JSON.stringify({ ...one, story: undefined, coverage: undefined }, undefined, 2));
  const same = one.traceHash === other.traceHash;
  console.log(
    same
      ? `the same trace twice: ${one.traceHash}`
      : `DIFFERENT TRACES: ${one.traceHash}, ${other.traceHash}`,
  );
  return same && one.violation === undefined;
}

/** How many seeds it takes to find each planted bug. */
async function gate(all) {
  let missed = 0;
  for (const mutant of all) {
    const dir = await bundle(`mutant-${mutant.id}`, mutant);
    let given = 0;
    let found;
    const started = performance.now();
    const next = () => (found === undefined && given < seeds ? { seed: first + given++, events } : undefined);
    await swarm(dir, workers, next, (result) => {
      if (result.violation !== undefined || result.crash !== undefined) found ??= result;
    }).catch((error) => (found ??= { seed: first + given, crash: error.message }));
    rmSync(dir, { recursive: true, force: true });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (found === undefined) missed += 1;
    const how =
      found === undefined
        ? `NOT FOUND in ${given} seeds`
        : `found after ${given} seeds, at ${found.seed}: ${(found.crash ?? found.violation.what).split('\n')[0].slice(0, 160)}`;
    console.log(`${found === undefined ? '✗' : '✓'} ${mutant.id} ${mutant.breaks}: ${how} (${seconds} s)`);
  }
  console.log(`${all.length - missed} of ${all.length} planted bugs found`);
  return missed === 0;
}

async function main() {
  const plain = await bundle('plain', undefined);
  const { mutants } = await import(pathToFileURL(join(plain, 'index.mjs')).href);
  const wanted = flags.mutant?.split(',') ?? [];
  const chosen = flags.mutant === 'all' ? mutants : mutants.filter(({ id }) => wanted.includes(id));
  if (flags.mutant !== undefined && chosen.length === 0)
    throw new Error(`there is no mutant ${flags.mutant}`);
  if (flags.replay === true)
    return await replay(chosen.length === 0 ? plain : await bundle('planted', chosen[0]));
  if (chosen.length > 0) return await gate(chosen);
  const { failures, untested } = await stage(plain);
  const [failed] = failures.filter(({ violation }) => violation !== undefined);
  if (failed !== undefined) {
    const smaller = await shrink(plain, failed);
    console.log(`seed ${failed.seed} shrinks to ${smaller.faults} faults; see it with`);
    console.log(`  ${command(failed.seed, smaller.count, smaller.left)}`);
  }
  return failures.length === 0 && untested.length === 0;
}

mkdirSync(folder, { recursive: true });
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.exitCode = (await main()) ? 0 : 1;
