import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** By the package's root, not by this file's place: the same from sources, from `dist/` and from the bundles. */
const root = dirname(createRequire(import.meta.url).resolve('#package.json'));
const program = (name: string): string => join(root, 'dist', 'bundle', `${name}.js`);

/** The command's own entry, to start itself again: a detached supervisor, a master, a node agent. */
export const cliEntry = program('trireme');
export const masterEntry = program('master');
export const nodeEntry = program('node');
