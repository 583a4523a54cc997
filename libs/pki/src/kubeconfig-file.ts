import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Document, YAMLMap, YAMLSeq } from 'yaml';
import { makeDirectory, readIfPresent, withFileLock, writeFileAtomic } from './files.js';
import { kubeconfigParts, type KubeconfigEntry } from './kubeconfig.js';
import { PkiError } from './types.js';

/**
 * Where kubectl would look: the flag, else the first file of `$KUBECONFIG`, else `~/.kube/config`.
 */
export function resolveKubeconfigPath(
  flag?: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  if (flag !== undefined && flag !== '') return flag;
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((part) => part !== '');
  return listed[0] ?? join(environment['HOME'] ?? homedir(), '.kube', 'config');
}

type Yaml = typeof import('yaml');

const empty =
  'apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\ncurrent-context: ""\npreferences: {}\n';

async function readDocument(yaml: Yaml, path: string): Promise<Document> {
  const text = (await readIfPresent(path)) ?? '';
  const document = yaml.parseDocument(text.trim() === '' ? empty : text);
  if (document.errors.length > 0 || !yaml.isMap(document.contents)) {
    throw new PkiError(
      'Damaged',
      `${path} is not a kubeconfig: ${document.errors[0]?.message ?? 'it is not a YAML mapping'}. Mend or move it, or choose another file with --kubeconfig.`,
    );
  }
  return document;
}

/** The named list of the file, made when absent (kubectl itself writes `null` for an empty one). */
function listOf(yaml: Yaml, path: string, document: Document, key: string): YAMLSeq {
  const found: unknown = document.get(key);
  if (yaml.isSeq(found)) {
    found.flow = false;
    return found;
  }
  if (found !== undefined && found !== null && !(yaml.isScalar(found) && found.value === null)) {
    throw new PkiError('Damaged', `${path} is not a kubeconfig: "${key}" is not a list.`);
  }
  const made = new yaml.YAMLSeq();
  document.set(key, made);
  return made;
}

function indexByName(yaml: Yaml, list: YAMLSeq, name: string): number {
  return list.items.findIndex((item) => yaml.isMap(item) && (item as YAMLMap).get('name') === name);
}

async function change(named: string, edit: (yaml: Yaml, document: Document) => boolean): Promise<void> {
  const yaml = await import('yaml');
  // A symbolic link (dotfiles) stays one: its target is what is replaced.
  const path = (await readIfPresent(named)) === undefined ? named : await realpath(named);
  await makeDirectory(dirname(path));
  await withFileLock(path, async () => {
    const document = await readDocument(yaml, path);
    if (edit(yaml, document)) await writeFileAtomic(path, document.toString({ lineWidth: 0 }));
  });
}

/**
 * Puts the entry into the kubeconfig at `path` (made when absent) and makes it current. Other entries, keys and
 * comments stay. Under `<path>.lock` as kubectl does, written atomically, mode 0600.
 * Throws PkiError: Damaged, NotWritable, Locked.
 */
export async function mergeKubeconfig(path: string, entry: KubeconfigEntry): Promise<void> {
  const parts = kubeconfigParts(entry);
  await change(path, (yaml, document) => {
    const lists = { clusters: parts.cluster, users: parts.user, contexts: parts.context };
    for (const [key, part] of Object.entries(lists)) {
      const list = listOf(yaml, path, document, key);
      const index = indexByName(yaml, list, entry.name);
      const node = document.createNode(part);
      if (index === -1) list.add(node);
      else list.items[index] = node;
    }
    document.set('current-context', entry.name);
    return true;
  });
}

/**
 * Takes cluster, user and context of this name out of the kubeconfig at `path`; the current context is emptied if
 * it was this one. A file that is not there is left so. Errors as for `mergeKubeconfig`.
 */
export async function removeFromKubeconfig(path: string, name: string): Promise<void> {
  if ((await readIfPresent(path)) === undefined) return;
  await change(path, (yaml, document) => {
    let changed = false;
    for (const key of ['clusters', 'users', 'contexts']) {
      const list = listOf(yaml, path, document, key);
      const index = indexByName(yaml, list, name);
      if (index === -1) continue;
      list.items.splice(index, 1);
      if (list.items.length === 0) list.flow = true;
      changed = true;
    }
    if (document.get('current-context') === name) {
      document.set('current-context', '');
      changed = true;
    }
    return changed;
  });
}
