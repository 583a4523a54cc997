#!/usr/bin/env node
// The `trireme` command. From a fresh clone use `npm start`, which installs and builds first.
import { existsSync } from 'node:fs';

const main = new URL('../dist/bundle/trireme.js', import.meta.url);
if (!existsSync(main)) {
  process.stderr.write('trireme is not built yet: run `npm start` (or `npm ci && npm run build`) first\n');
  process.exit(1);
}
await import(main.href);
