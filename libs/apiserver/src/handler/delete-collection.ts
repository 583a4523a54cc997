import { ApiError } from '#libs/apimachinery';
import { jsonBody } from '../registry/codec.js';
import { deleteObject } from '../registry/delete.js';
import { deleteOptions } from '../registry/delete-options.js';
import { listPage } from '../registry/list.js';
import { parseSelection } from '../registry/selection.js';
import { servedObject } from '../registry/served.js';
import type { ApiResponse } from '../request.js';
import { formOf, writeRequest, type Exchange } from './exchange.js';
import { encodeListForm } from './forms.js';
import { listMetadata } from './list-body.js';
import { bytesReply, objectReply } from './reply.js';
import { tableOptions } from './exchange.js';

/** Deletes at once; more would only queue in the store. */
const parallelMax = 32;

/** Deletes all that a list would show, each by itself: what has gone meanwhile is no failure. Answers with the list. */
export async function deleteCollection(exchange: Exchange): Promise<ApiResponse> {
  const { core, request, declaration, info } = exchange;
  const form = formOf(exchange);
  const { query } = request;
  const options = deleteOptions(jsonBody(request), query);
  const selection = parseSelection(declaration, query.get('labelSelector'), query.get('fieldSelector'));
  const page = await listPage(
    core,
    declaration,
    declaration.namespaced ? info.namespace : '',
    query,
    selection,
  );
  const objects = page.keyValues.map((each) => servedObject(core.decoded, each, declaration));
  const pending = objects.values();
  const write = writeRequest(exchange, { dryRun: options.dryRun, fieldManager: undefined });
  const worker = async (): Promise<void> => {
    for (const object of pending) {
      const { name = '', namespace = '' } = object.metadata;
      try {
        await deleteObject(core, { ...write, name, namespace }, options);
      } catch (error) {
        if (!(error instanceof ApiError && error.reason === 'NotFound')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelMax, objects.length) }, worker));
  const metadata = listMetadata(page);
  if (request.wantsObject) {
    const { group, version, listKind } = declaration;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return objectReply(200, { kind: listKind, apiVersion, metadata, items: objects });
  }
  return bytesReply(200, form, [
    encodeListForm(form, objects, metadata, declaration, tableOptions(exchange)),
  ]);
}
