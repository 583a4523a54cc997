// `npm test`: everything. Brings the checkout up to date, fetches the clients that the tests drive, then runs the
// checks (format, lint, types, import rules, dead code), the unit suite and the end-to-end suite, and closes with one
// plain line: N passed, N failed. Flags: --only checks|unit|e2e.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureReady, root } from './ensure-ready.mjs';
import { installClients, missingTools } from './tools.mjs';

const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const bin = (name) => join(root, 'node_modules', '.bin', name);
const reports = join(root, 'reports');

const checks = [
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['lint', bin('oxlint'), ['--deny-warnings']],
  ['types', bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']],
  ['types of the k6 scenarios', bin('tsc'), ['-p', 'loadtest/k6/tsconfig.json']],
  ['types of the page', bin('tsc'), ['--noEmit', '-p', 'apps/dashboard/page/tsconfig.json']],
  ['imports', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'apps', 'libs', 'loadtest', 'test']],
  ['dead code', bin('knip'), []],
];

let passed = 0;
let failed = 0;
const faults = [];

await ensureReady();
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
if (only === undefined || only === 'checks')
  for (const [name, command, args] of checks) check(name, command, args);
if (only === undefined || only === 'unit') suite('unit');
if (only === undefined || only === 'e2e') {
  installClients();
  suite('e2e');
}
for (const fault of faults) console.log(`✗ ${fault}`);
for (const { tool, leavesOut, how } of missingTools())
  console.log(`left out: ${leavesOut} (${tool} is not on the PATH; ${how})`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

function check(name, command, args) {
  const started = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  report(name, status === 0, started);
}

function suite(project) {
  const started = Date.now();
  const output = join(reports, `${project}.json`);
  const { status } = spawnSync(
    bin('vitest'),
    ['run', '--project', project, '--reporter', 'default', '--reporter', 'json', '--outputFile', output],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  let results;
  try {
    results = JSON.parse(readFileSync(output, 'utf8'));
  } catch (error) {
    report(`${project}: no results (${error.message})`, false, started);
    return;
  }
  passed += results.numPassedTests;
  failed += results.numFailedTests;
  for (const file of results.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'failed') faults.push(`${file.name.replace(root, '')}: ${test.fullName}`);
    }
  }
  const unfinished = results.numTotalTests - results.numPassedTests - results.numFailedTests;
  if (unfinished > 0) report(`${project}: ${unfinished} tests did not run`, false, started);
  if (status !== 0 && results.numFailedTests === 0)
    report(`${project}: vitest ended with ${status}`, false, started);
}

function report(name, ok, started) {
  if (ok) passed++;
  else {
    failed++;
    faults.push(name);
  }
  console.log(`${ok ? '✓' : '✗'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}
