// The pictures of the README and the documents, made again: `npm run pictures` after `npm run build`. Starts clusters of its own
// in a temporary directory, photographs what they print and draw with the system's Chromium, and leaves nothing behind.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { root } from './ensure-ready.mjs';

const images = join(root, 'docs', 'images');
const home = mkdtempSync(join(tmpdir(), 'trireme-pictures-'));
const environment = { ...process.env, HOME: home, KUBECONFIG: join(home, 'kubeconfig'), NO_COLOR: '1' };
const program = join(root, 'bin', 'trireme.mjs');

/** What a command printed, on either stream. Throws with it when the command failed. */
function run(...args) {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [program, ...args],
      { env: environment, cwd: home, timeout: 300_000 },
      (error, stdout, stderr) => {
        if (error === null) resolve((stderr + stdout).trimEnd());
        else reject(new Error(`trireme ${args.join(' ')}: ${stderr}${stdout}`));
      },
    );
  });
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A terminal with what was typed and what came of it. */
function terminalPage(exchanges) {
  const text = exchanges.map(({ typed, printed }) => {
    const lines = escaped(printed).replaceAll(/^ ✓/gm, ' <i>✓</i>');
    return `<b>$ ${typed}</b>\n${lines}`;
  });
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; background: #14181f; }
    pre { width: max-content; margin: 0; padding: 18px 22px; background: #14181f; color: #d5dae2;
      font: 14px/1.45 "DejaVu Sans Mono", monospace; }
    b { color: #fff; } i { color: #5fd38a; font-style: normal; }
  </style><pre>${text.join('\n\n')}</pre>`;
}

async function terminal(browser) {
  const up = await run('up', '--detach');
  const status = await run('status');
  const page = await browser.newPage({ viewport: { width: 1400, height: 800 }, deviceScaleFactor: 1.5 });
  await page.setContent(
    terminalPage([
      { typed: 'npx trireme up --detach', printed: up },
      { typed: 'npx trireme status', printed: status },
    ]),
  );
  await page.locator('pre').screenshot({ path: join(images, 'terminal.png') });
  await page.close();
}

async function dashboard(browser) {
  const listener = spawn(process.execPath, [program, 'dashboard'], {
    env: environment,
    cwd: home,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise((resolve, reject) => {
      createInterface({ input: listener.stdout }).once('line', resolve);
      listener.once('exit', (code) => reject(new Error(`trireme dashboard ended with ${code}`)));
    });
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    page.setDefaultTimeout(60_000);
    await page.goto(url);
    await page.locator('.masters').waitFor();
    await run('kubectl', '--', 'create', 'deployment', 'web', '--image=nginx');
    // Something for the charts to show.
    for (let replicas = 2; replicas <= 12; replicas++)
      await run('kubectl', '--', 'scale', 'deployment', 'web', `--replicas=${replicas}`);
    await page.locator('.workloads-card', { hasText: 'default/web' }).waitFor();
    await page.getByRole('button', { name: 'Kill the leader' }).click();
    await page.locator('.steps', { hasText: 'acknowledged writes are held' }).waitFor();
    await page.screenshot({ path: join(images, 'dashboard.png'), fullPage: true });
    await page.close();
  } finally {
    listener.kill('SIGINT');
  }
}

/** The page of a short run, in the look that its reader's machine asks for. */
async function failoverReport(browser) {
  const file = join(home, 'failover.html');
  await run('failover', '--rounds', '6', '--faults', 'kill,pause', '--report', file);
  for (const colorScheme of ['light', 'dark']) {
    const page = await browser.newPage({ viewport: { width: 1100, height: 1000 }, colorScheme });
    await page.goto(pathToFileURL(file).href);
    await page.screenshot({ path: join(images, `failover-${colorScheme}.png`) });
    await page.close();
  }
  const page = await browser.newPage();
  await page.goto(pathToFileURL(file).href);
  // Not a picture of the README: for a look at how it prints.
  const print = process.env.PRINTED_REPORT;
  if (print !== undefined) writeFileSync(print, await page.pdf({ format: 'A4' }));
  await page.close();
}

const executablePath = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((path) => existsSync(path));
if (executablePath === undefined) {
  process.stderr.write("chromium is not on the PATH: install Debian's package chromium\n");
  process.exit(1);
}
mkdirSync(images, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  try {
    await terminal(browser);
    await dashboard(browser);
  } finally {
    await run('reset').catch((error) => process.stderr.write(`${error.message}\n`));
  }
  await failoverReport(browser);
} finally {
  await browser.close();
  rmSync(home, { recursive: true, force: true });
}
