// Prints the folders of the packages that the bundles load when they run, with what those depend on, from the lock file:
// what an image needs of node_modules.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { notBundled } from './bundle.mjs';
import { root } from './ensure-ready.mjs';

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

/** Where Node finds `name` from the package in `from`: there, or above it. */
function locate(name, from) {
  for (let folder = from; ; folder = folder.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (folder === '') throw new Error(`${name} is not in the lock file`);
  }
}

const needed = new Set();
function need(name, from) {
  const path = locate(name, from);
  if (needed.has(path)) return;
  needed.add(path);
  for (const dependency of Object.keys(packages[path].dependencies ?? {})) need(dependency, path);
}
for (const name of notBundled) need(name, '');
console.log([...needed].sort().join('\n'));
