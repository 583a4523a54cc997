import {
  badRequest,
  continueExpired,
  expired,
  type KubernetesObject,
  type ResourceDeclaration,
} from '#libs/apimachinery';
import { StorageError, type KeyValue, type Revision } from '#libs/consensus';
import type { Core } from './core.js';
import { decodeContinue, encodeContinue } from './continue-token.js';
import { listPrefix, objectKey, prefixEnd } from './keys.js';
import { prepareRead, waitForRevision } from './resource-version.js';
import type { Selection } from './selection.js';
import { servedObject } from './served.js';

/** One page of a list, consistent at `revision`. */
export interface ListPage {
  readonly keyValues: readonly KeyValue[];
  readonly revision: Revision;
  /** Set where more follows. */
  readonly continueToken: string | undefined;
  /** Exact, and only known without selectors. */
  readonly remainingItemCount: number | undefined;
}

const scanKeysMin = 500;

/** Throws ApiError: 400 for a bad limit, continue or version, 410 when the revision has been compacted away. */
export async function listPage(
  core: Core,
  declaration: ResourceDeclaration,
  namespace: string,
  query: URLSearchParams,
  selection: Selection,
): Promise<ListPage> {
  const limit = parseLimit(query.get('limit'));
  const continueText = query.get('continue');
  const token = continueText === null || continueText === '' ? undefined : decodeContinue(continueText);
  if (token !== undefined && (query.get('resourceVersion') ?? '0') !== '0')
    throw badRequest('specifying resource version is not allowed when using continue');
  const at = await prepareRead(core.storage, core.clock, {
    resourceVersion: query.get('resourceVersion'),
    match: query.get('resourceVersionMatch'),
    hasContinue: token !== undefined,
    limit,
  });
  if (token?.revision === -1) await core.storage.barrier();
  // The page before may have come from a master that was ahead of this one.
  else if (token !== undefined) await waitForRevision(core.storage, core.clock, token.revision as Revision);
  const revision = token === undefined || token.revision === -1 ? at.exact : (token.revision as Revision);
  const prefix = listPrefix(declaration, selection.namespace ?? namespace);
  if (selection.namespace !== undefined && namespace !== '' && selection.namespace !== namespace)
    return {
      keyValues: [],
      revision: core.storage.revision,
      continueToken: undefined,
      remainingItemCount: undefined,
    };
  try {
    return page(core, declaration, prefix, { limit, revision, start: token?.start, selection });
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'Compacted')) throw error;
    if (token !== undefined) throw continueExpired(encodeContinue({ revision: -1, start: token.start }));
    throw expired(`The provided resource version is too old: ${String(revision)}`);
  }
}

interface PageQuery {
  readonly limit: number;
  readonly revision: Revision | undefined;
  readonly start: string | undefined;
  readonly selection: Selection;
}

function page(core: Core, declaration: ResourceDeclaration, prefix: string, query: PageQuery): ListPage {
  const { limit, selection } = query;
  const { storage, decoded } = core;
  const revisionOption = query.revision === undefined ? {} : { revision: query.revision };
  const end = prefixEnd(prefix);
  const first = query.start === undefined ? prefix : prefix + query.start;
  const known = knownKey(declaration, prefix, selection);
  if (known !== undefined) {
    const { keyValues, revision } = storage.range({ start: known, ...revisionOption });
    const selected = keyValues.filter((each) => selection.matches(servedObject(decoded, each, declaration)));
    return { keyValues: selected, revision, continueToken: undefined, remainingItemCount: undefined };
  }
  if (selection.everything) {
    const range = storage.range({ start: first, end, limit, count: limit > 0, ...revisionOption });
    const { keyValues, revision, more } = range;
    return {
      keyValues,
      revision,
      continueToken: more ? tokenAfter(keyValues, revision, prefix) : undefined,
      remainingItemCount: more ? range.count - keyValues.length : undefined,
    };
  }
  const selected: KeyValue[] = [];
  let from = first;
  let revision = query.revision;
  for (;;) {
    const chunk = limit > 0 ? Math.max(limit, scanKeysMin) : 0;
    const range = storage.range({
      start: from,
      end,
      limit: chunk,
      ...(revision === undefined ? {} : { revision }),
    });
    // Later chunks read the same revision as the first.
    revision = range.revision;
    for (const [index, keyValue] of range.keyValues.entries()) {
      if (!selection.matches(servedObject(decoded, keyValue, declaration))) continue;
      selected.push(keyValue);
      const more = range.more || index + 1 < range.keyValues.length;
      if (limit > 0 && selected.length === limit && more)
        return {
          keyValues: selected,
          revision,
          continueToken: tokenAfter(selected, revision, prefix),
          remainingItemCount: undefined,
        };
    }
    if (!range.more)
      return { keyValues: selected, revision, continueToken: undefined, remainingItemCount: undefined };
    from = `${range.keyValues.at(-1)!.key}\0`;
  }
}

/** The one key that can match, where the selector names it and its namespace is known. */
function knownKey(
  declaration: ResourceDeclaration,
  prefix: string,
  selection: Selection,
): string | undefined {
  if (selection.name === undefined) return undefined;
  if (!declaration.namespaced) return objectKey(declaration, '', selection.name);
  const wholeResource = prefix === listPrefix(declaration, '');
  return wholeResource ? undefined : prefix + selection.name;
}

function tokenAfter(keyValues: readonly KeyValue[], revision: Revision, prefix: string): string {
  const last = keyValues.at(-1)!.key;
  return encodeContinue({ revision, start: `${last.slice(prefix.length)}\0` });
}

function parseLimit(text: string | null): number {
  if (text === null || text === '') return 0;
  if (!/^[0-9]{1,15}$/.test(text))
    throw badRequest(`limit must be a non-negative number, not ${JSON.stringify(text)}`);
  return Number(text);
}

/** Everything selected in a namespace as it is now, decoded and shared, for the server's own use. */
export function listLocal(
  core: Core,
  declaration: ResourceDeclaration,
  namespace: string,
): readonly KubernetesObject[] {
  const prefix = listPrefix(declaration, namespace);
  const { keyValues } = core.storage.range({ start: prefix, end: prefixEnd(prefix) });
  return keyValues.map((keyValue) => servedObject(core.decoded, keyValue, declaration));
}
