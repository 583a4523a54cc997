// Brings a checkout to the point where `dist/` can run: Node's version, node_modules, and a build that is not older
// than its sources. Quiet when there is nothing to do.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const minimum = [20, 19];

export async function ensureReady() {
  checkNode();
  install();
  build();
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
    fail(
      `Trireme needs Node ${minimum.join('.')} or newer; this is ${process.version}. Install a newer Node and try again.`,
    );
  }
}

function install() {
  const stamp = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  step('installing packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

export function build() {
  const stamp = join(root, 'dist', '.built');
  const newest = Math.max(
    ...['apps', 'libs', 'loadtest'].map((folder) => newestMtime(join(root, folder))),
    ...['tsconfig.build.json', 'scripts/bundle.mjs'].map((file) => statSync(join(root, file)).mtimeMs),
  );
  if (existsSync(stamp) && Number(readFileSync(stamp, 'utf8')) >= newest) return;
  step('building', process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    'tsconfig.build.json',
  ]);
  step('bundling', process.execPath, [join(root, 'scripts', 'bundle.mjs')]);
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stamp, String(newest));
}

function newestMtime(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /\.(ts|tsx|css|html|svg)$/.test(entry.name)) {
      newest = Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
    }
  }
  return newest;
}

function step(what, command, args) {
  process.stderr.write(`• ${what} …\n`);
  const started = Date.now();
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.error) fail(`${what} failed: ${done.error.message}`);
  if (done.status !== 0)
    fail(`${what} failed: \`${command} ${args.join(' ')}\` ended with ${done.status}; see its output above`);
  process.stderr.write(`✓ ${what} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
}

function fail(message) {
  process.stderr.write(`✗ ${message}\n`);
  process.exit(1);
}
