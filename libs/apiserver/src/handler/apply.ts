import { applyPatch, badRequest, fieldErrors, invalid, type KubernetesObject } from '#libs/apimachinery';
import { conformed, yamlOrJsonBody } from '../registry/codec.js';
import { createObject } from '../registry/create.js';
import { apiVersionOfDeclaration, schemaOfDeclaration } from '../registry/managed-fields.js';
import { updateObject } from '../registry/update.js';
import type { Written } from '../registry/write-request.js';
import type { ApiResponse } from '../request.js';
import { authorizeAlso } from './authorize.js';
import { formOf, replyWritten, writeRequest, type Exchange } from './exchange.js';
import type { WriteOptions } from './options.js';
import { restricted, type Restrict } from './write.js';

/**
 * Server-side apply: what the configuration says is laid over the live object, or becomes the object where there is none.
 * Throws ApiError 409 where another manager owns a field that would change and `force` is not set.
 */
export async function applyHandler(
  exchange: Exchange,
  options: WriteOptions,
  restrict?: Restrict,
): Promise<ApiResponse> {
  const { core, declaration, info } = exchange;
  const form = formOf(exchange);
  if (options.fieldManager === undefined)
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      fieldErrors.required('fieldManager', 'is required for apply patch'),
    ]);
  const applied = appliedObject(exchange, options);
  const write = writeRequest(exchange, options);
  const lay = (live: KubernetesObject | undefined): KubernetesObject => {
    const { object } = applyPatch({
      live,
      applied,
      manager: write.fieldManager,
      force: options.force,
      schema: schemaOfDeclaration(declaration),
      apiVersion: apiVersionOfDeclaration(declaration),
      subresource: info.subresource,
      now: write.now,
    });
    declaration.setDefaults(object);
    return object;
  };
  const written = await updateObject(core, write, {
    next: (current) => {
      const proposed = lay(current);
      if (restrict === undefined) return proposed;
      const next = restricted(restrict, current, proposed);
      if (proposed.metadata.managedFields !== undefined)
        next.metadata.managedFields = proposed.metadata.managedFields;
      return next;
    },
    unconditional: true,
    managesFields: true,
    orCreate:
      info.subresource === ''
        ? async (): Promise<Written> => {
            await authorizeAlso(exchange, 'create');
            return createObject(core, write, lay(undefined), false);
          }
        : undefined,
  });
  return replyWritten(exchange, form, written);
}

function appliedObject(exchange: Exchange, options: WriteOptions): KubernetesObject {
  const { declaration, info, request, warnings } = exchange;
  const { value, duplicates } = yamlOrJsonBody(request);
  if (value === undefined || value === null) throw badRequest('the patch is empty');
  const schema = schemaOfDeclaration(declaration);
  const { fieldValidation } = options;
  const object = conformed(value, duplicates, { schema, declaration, fieldValidation }, warnings);
  const { metadata } = object;
  if (metadata.name === undefined || metadata.name === '') metadata.name = info.name;
  if (metadata.name !== info.name)
    throw badRequest(`name in body (${metadata.name}) does not match the name on the URL (${info.name})`);
  if (declaration.namespaced && (metadata.namespace ?? '') === '') metadata.namespace = info.namespace;
  return object;
}
