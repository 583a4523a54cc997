import { badRequest, type KubernetesObject } from '#libs/apimachinery';
import { decodeBody, jsonBody, type KindSchema } from '../registry/codec.js';
import { createObject } from '../registry/create.js';
import { deleteObject } from '../registry/delete.js';
import { deleteOptions } from '../registry/delete-options.js';
import { updateObject } from '../registry/update.js';
import { returnsDeletedObject } from '../registry/update-policy.js';
import type { Written } from '../registry/write-request.js';
import type { ApiResponse } from '../request.js';
import { authorizeAlso } from './authorize.js';
import { formOf, replyWith, replyWritten, writeRequest, type Exchange } from './exchange.js';
import { writeOptions } from './options.js';
import { statusReply, successStatus } from './reply.js';
import { objectSource } from './source.js';

export function kindOf({ declaration }: Exchange): KindSchema {
  return declaration;
}

export async function createHandler(exchange: Exchange): Promise<ApiResponse> {
  const { core, request, declaration, warnings } = exchange;
  const form = formOf(exchange);
  const options = writeOptions(request.query, 'CreateOptions');
  const object = decodeBody(request, kindOf(exchange), options.fieldValidation, warnings);
  declaration.setDefaults(object);
  const written = await createObject(core, writeRequest(exchange, options), object);
  return replyWritten(exchange, form, written);
}

/** What a subresource lets a request change: makes the next object of the current one (shared) and the proposed one. */
export type Restrict = (current: KubernetesObject, proposed: KubernetesObject) => KubernetesObject;

export async function updateHandler(exchange: Exchange, restrict?: Restrict): Promise<ApiResponse> {
  const { core, request, declaration, warnings, info } = exchange;
  const form = formOf(exchange);
  const options = writeOptions(request.query, 'UpdateOptions');
  const object = decodeBody(request, kindOf(exchange), options.fieldValidation, warnings);
  declaration.setDefaults(object);
  const named = object.metadata.name;
  if (named !== undefined && named !== '' && named !== info.name)
    throw badRequest(`the name of the object (${named}) does not match the name on the URL (${info.name})`);
  const write = writeRequest(exchange, options);
  const mayCreate = declaration.allowCreateOnUpdate && info.subresource === '';
  const written = await updateObject(core, write, {
    // Every attempt changes what it gets.
    next: (current) => {
      const proposed = structuredClone(object);
      return restrict === undefined ? proposed : restricted(restrict, current, proposed);
    },
    orCreate: mayCreate
      ? async (): Promise<Written> => {
          await authorizeAlso(exchange, 'create');
          return createObject(core, write, object);
        }
      : undefined,
  });
  return replyWritten(exchange, form, written);
}

/** Identity and preconditions are the proposal's, the rest is what the subresource makes of it. */
export function restricted(
  restrict: Restrict,
  current: KubernetesObject,
  proposed: KubernetesObject,
): KubernetesObject {
  const next = restrict(current, proposed);
  const { resourceVersion, uid } = proposed.metadata;
  next.metadata = { ...next.metadata, ...(uid === undefined ? {} : { uid }) };
  if (resourceVersion === undefined) delete next.metadata.resourceVersion;
  else next.metadata.resourceVersion = resourceVersion;
  return next;
}

export async function deleteHandler(exchange: Exchange): Promise<ApiResponse> {
  const { core, request, declaration } = exchange;
  const form = formOf(exchange);
  const options = deleteOptions(jsonBody(request), request.query);
  const write = writeRequest(exchange, { dryRun: options.dryRun, fieldManager: undefined });
  const written = await deleteObject(core, write, options);
  if (!written.deleted || returnsDeletedObject(declaration))
    return replyWith(exchange, form, 200, objectSource(written.object));
  const { name = '', uid } = written.object.metadata;
  const { group, resource } = declaration;
  return statusReply(
    successStatus({
      name,
      ...(group === '' ? {} : { group }),
      kind: resource,
      ...(uid === undefined ? {} : { uid }),
    }),
    request.wantsObject,
    form,
  );
}
