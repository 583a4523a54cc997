import type { ResourceDeclaration } from '#libs/apimachinery';
import type { DecodedCache } from '../registry/decoded-cache.js';
import type { ListPage } from '../registry/list.js';
import { servedAsStored, servedObject } from '../registry/served.js';

export interface ListMetadata {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export function listMetadata(page: ListPage): ListMetadata {
  return {
    resourceVersion: String(page.revision),
    ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    ...(page.remainingItemCount === undefined ? {} : { remainingItemCount: page.remainingItemCount }),
  };
}

const comma = Buffer.from(',');
const tail = Buffer.from(']}\n');

/** A list as it goes out: a computed head, the stored bytes of the items, and `]}`. Nothing is parsed or copied. */
export function listChunks(
  decoded: DecodedCache,
  declaration: ResourceDeclaration,
  page: ListPage,
): readonly Uint8Array[] {
  const { group, version, listKind } = declaration;
  const head = JSON.stringify({
    kind: listKind,
    apiVersion: group === '' ? version : `${group}/${version}`,
    metadata: listMetadata(page),
  });
  const chunks: Uint8Array[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  const asStored = servedAsStored(declaration);
  for (const [index, keyValue] of page.keyValues.entries()) {
    if (index > 0) chunks.push(comma);
    chunks.push(
      asStored ? keyValue.value : Buffer.from(JSON.stringify(servedObject(decoded, keyValue, declaration))),
    );
  }
  chunks.push(tail);
  return chunks;
}
