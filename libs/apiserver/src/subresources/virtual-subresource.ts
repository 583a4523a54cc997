import { definitionOfKind, pathNotFound } from '#libs/apimachinery';
import { timestamp } from '../clock.js';
import { formOf, replyWith, type Exchange } from '../handler/exchange.js';
import { writeOptions } from '../handler/options.js';
import { readStored } from '../handler/read.js';
import { objectSource } from '../handler/source.js';
import { decodeBody } from '../registry/codec.js';
import { servedObject } from '../registry/served.js';
import type { ApiResponse } from '../request.js';

/** A create that is computed from the body and the stored parent, such as a service account's token. */
export async function virtualSubresource(exchange: Exchange): Promise<ApiResponse> {
  const { core, info, declaration, request, warnings } = exchange;
  const { group, resource, subresource } = info;
  const create = core.virtual.get(`${group}/${resource}/${subresource}`);
  const declared = declaration.subresources.find(({ name }) => name === subresource);
  if (create === undefined || declared === undefined) throw pathNotFound();
  const form = formOf(exchange, false);
  const options = writeOptions(request.query, 'CreateOptions');
  const definition = definitionOfKind(declared.group, declared.version, declared.kind);
  const kind = { group: declared.group, version: declared.version, kind: declared.kind, definition };
  const object = decodeBody(request, kind, options.fieldValidation, warnings);
  const parent = servedObject(core.decoded, await readStored(exchange), declaration);
  const answer = await create(object, {
    request,
    info,
    declaration,
    parent,
    now: timestamp(core.clock.nowMs()),
    dryRun: options.dryRun,
  });
  return replyWith(exchange, form, 201, objectSource(answer), { ...kind, columns: [] });
}
