import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** By the package's root, not by this file's place: the same from sources, from `dist/` and from the bundles. */
const root = dirname(createRequire(import.meta.url).resolve('#package.json'));
const program = (name: string, folder = root): string => join(folder, 'dist', 'bundle', `${name}.js`);

/** The command's own entry, to start itself again: a detached supervisor, a master, a node agent. */
export const cliEntry = program('trireme');
export const masterEntry = program('master');
export const nodeEntry = program('node');

/** The master of another installation, whose folder is given. */
export const masterEntryOf = (installation: string): string => program('master', installation);

/** A module of the lab (loads, failover rounds), which is no part of the bundles: most who start a cluster never need it. */
export async function importLab<T>(module: string): Promise<T> {
  return (await import(pathToFileURL(join(root, 'dist', 'loadtest', 'src', module)).href)) as T;
}
