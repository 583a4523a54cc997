import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  badRequest,
  conformObject,
  schemaOf,
  unsupportedMediaType,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from '#libs/apimachinery';
import { jsonBody, mediaType } from '../registry/codec.js';
import { updateObject } from '../registry/update.js';
import type { ApiResponse } from '../request.js';
import { applyHandler } from './apply.js';
import { formOf, replyWritten, writeRequest, type Exchange } from './exchange.js';
import { writeOptions, type WriteOptions } from './options.js';
import { restricted, type Restrict } from './write.js';

export const jsonPatchType = 'application/json-patch+json';
export const mergePatchType = 'application/merge-patch+json';
export const strategicPatchType = 'application/strategic-merge-patch+json';
export const applyPatchType = 'application/apply-patch+yaml';

/**
 * The four patches. All but apply change the live object in the version of the path, whose result is decoded, defaulted
 * and validated like the body of an update; conflicts with others are retried from fresh state.
 */
export async function patchHandler(exchange: Exchange, restrict?: Restrict): Promise<ApiResponse> {
  const { request, core } = exchange;
  const type = mediaType(request);
  const options = writeOptions(request.query, 'PatchOptions');
  if (type === applyPatchType || type === 'application/apply-patch+json')
    return applyHandler(exchange, options, restrict);
  if (options.force) throw badRequest('force may only be set for apply patches');
  const form = formOf(exchange);
  const patch = patchFunction(exchange, type);
  const written = await updateObject(core, writeRequest(exchange, options), {
    next: (current) => {
      const proposed = patched(exchange, options, patch(current as unknown as JsonObject));
      return restrict === undefined ? proposed : restricted(restrict, current, proposed);
    },
    unconditional: true,
  });
  return replyWritten(exchange, form, written);
}

type Patch = (current: JsonObject) => Json;

/** What a patch of this type does to a document; `definition` is that of the document's kind. */
export function patchFunction(
  exchange: Exchange,
  type: string,
  definition = exchange.declaration.definition,
): Patch {
  const accepted = [jsonPatchType, mergePatchType, strategicPatchType, applyPatchType];
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const body = patchBody(exchange);
  switch (type) {
    case jsonPatchType:
      return (current) => applyJsonPatch(current, body);
    case mergePatchType:
      return (current) => applyMergePatch(current, body);
    default: {
      if (definition === undefined)
        throw unsupportedMediaType([jsonPatchType, mergePatchType, applyPatchType]);
      const schema = schemaOf(definition);
      return (current) => applyStrategicMergePatch(current, body, schema);
    }
  }
}

function patchBody({ request }: Exchange): Json {
  const body = jsonBody(request) as Json | undefined;
  if (body === undefined) throw badRequest('the patch is empty');
  return body;
}

/** The result of a patch as an object of its kind: decoded as strictly as asked, defaulted. */
export function patched(exchange: Exchange, options: WriteOptions, value: Json): KubernetesObject {
  const { declaration, warnings } = exchange;
  const { definition } = declaration;
  const decoded = conformObject(value, {
    schema: definition === undefined ? undefined : schemaOf(definition),
    declaration,
    fieldValidation: options.fieldValidation,
  });
  for (const warning of decoded.warnings) if (!warnings.includes(warning)) warnings.push(warning);
  declaration.setDefaults(decoded.object);
  return decoded.object;
}
