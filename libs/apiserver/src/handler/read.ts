import { notFound } from '#libs/apimachinery';
import { listPage } from '../registry/list.js';
import { objectKey } from '../registry/keys.js';
import { parseResourceVersion, waitForRevision } from '../registry/resource-version.js';
import { parseSelection } from '../registry/selection.js';
import { servedObject } from '../registry/served.js';
import type { ApiResponse } from '../request.js';
import type { KeyValue } from '#libs/consensus';
import { formOf, replyWith, tableOptions, type Exchange } from './exchange.js';
import { encodeListForm } from './forms.js';
import { listChunks, listMetadata } from './list-body.js';
import { bytesReply, objectReply } from './reply.js';
import { storedSource } from './source.js';

/** The stored record of the object that the path names, as fresh as the query demands. Throws ApiError 404. */
export async function readStored(exchange: Exchange): Promise<KeyValue> {
  const { core, info, declaration, request } = exchange;
  const revision = parseResourceVersion(request.query.get('resourceVersion'));
  if (revision === undefined) await core.storage.barrier();
  else if (revision > 0) await waitForRevision(core.storage, core.clock, revision);
  const keyValue = core.storage.get(objectKey(declaration, info.namespace, info.name));
  if (keyValue === undefined)
    throw notFound({ group: declaration.group, resource: declaration.resource }, info.name);
  return keyValue;
}

export async function getObject(exchange: Exchange): Promise<ApiResponse> {
  const form = formOf(exchange);
  const keyValue = await readStored(exchange);
  return replyWith(exchange, form, 200, storedSource(exchange.core.decoded, keyValue, exchange.declaration));
}

export async function listObjects(exchange: Exchange): Promise<ApiResponse> {
  const { core, info, declaration, request } = exchange;
  const form = formOf(exchange);
  const { query } = request;
  const selection = parseSelection(declaration, query.get('labelSelector'), query.get('fieldSelector'));
  const page = await listPage(
    core,
    declaration,
    declaration.namespaced ? info.namespace : '',
    query,
    selection,
  );
  const objects = () => page.keyValues.map((each) => servedObject(core.decoded, each, declaration));
  if (request.wantsObject) {
    const { group, version, listKind } = declaration;
    return objectReply(200, {
      kind: listKind,
      apiVersion: group === '' ? version : `${group}/${version}`,
      metadata: listMetadata(page),
      items: objects(),
    });
  }
  if (form.encoding === 'json' && form.as === 'object')
    return bytesReply(200, form, listChunks(core.decoded, declaration, page), exchange.warnings);
  const bytes = encodeListForm(form, objects(), listMetadata(page), declaration, tableOptions(exchange));
  return bytesReply(200, form, [bytes], exchange.warnings);
}
