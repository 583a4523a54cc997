import { methodNotAllowed, pathNotFound, type ResourceDeclaration } from '#libs/apimachinery';
import type { Core } from '../registry/core.js';
import { coreFor } from '../registry/event-store.js';
import type { ApiRequest, ApiResponse } from '../request.js';
import { deleteCollection } from './delete-collection.js';
import type { Exchange } from './exchange.js';
import { patchHandler } from './patch.js';
import { getObject, listObjects } from './read.js';
import type { RequestInfo } from './request-info.js';
import { virtualHandler } from './virtual.js';
import { watchObjects } from './watch.js';
import { createHandler, deleteHandler, updateHandler } from './write.js';

export type VerbHandler = (exchange: Exchange) => Promise<ApiResponse>;

const verbHandlers: Readonly<Record<string, VerbHandler>> = {
  get: getObject,
  list: listObjects,
  watch: watchObjects,
  create: createHandler,
  update: (exchange) => updateHandler(exchange),
  patch: (exchange) => patchHandler(exchange),
  delete: deleteHandler,
  deletecollection: deleteCollection,
};

/** Handlers of subresources by `group/resource/subresource`, else by subresource alone, and there by verb. */
export type SubresourceHandlers = ReadonlyMap<string, Readonly<Record<string, VerbHandler>>>;

/** What serves a request on a resource. Throws ApiError 404 where no such thing is served, 405 for the verb. */
export function dispatch(
  core: Core,
  subresources: SubresourceHandlers,
  request: ApiRequest,
  info: RequestInfo,
): Promise<ApiResponse> {
  const { group, version, resource, subresource, verb } = info;
  const declaration = core.scheme.byResource({ group, version, resource });
  if (declaration === undefined || !fitsScope(declaration, info)) throw pathNotFound();
  const exchange: Exchange = { core: coreFor(core, declaration), request, info, declaration, warnings: [] };
  if (subresource !== '') {
    const declared = declaration.subresources.find(({ name }) => name === subresource);
    const handlers =
      subresources.get(`${group}/${resource}/${subresource}`) ?? subresources.get(`*/*/${subresource}`);
    if (declared === undefined || handlers === undefined) throw pathNotFound();
    const handler = Object.hasOwn(handlers, verb) ? handlers[verb] : undefined;
    if (handler === undefined) throw methodNotAllowed();
    return handler(exchange);
  }
  if (declaration.virtual) return virtualHandler(exchange);
  const handler = verbHandlers[verb];
  if (handler === undefined || !declaration.verbs.includes(verb)) throw methodNotAllowed();
  // Objects are created in a collection and changed by name.
  if (verb === 'create' ? info.name !== '' : isByName(verb) && info.name === '') throw methodNotAllowed();
  if (verb === 'create' && declaration.namespaced && info.namespace === '') throw methodNotAllowed();
  if (verb === 'deletecollection' && declaration.namespaced && info.namespace === '')
    throw methodNotAllowed();
  return handler(exchange);
}

function isByName(verb: string): boolean {
  return verb === 'get' || verb === 'update' || verb === 'patch' || verb === 'delete';
}

/** A namespaced kind by name needs its namespace, a cluster-scoped one takes none: no path reaches across (CVE-2019-11247). */
function fitsScope(declaration: ResourceDeclaration, info: RequestInfo): boolean {
  const named = !['list', 'watch', 'deletecollection', 'create'].includes(info.verb);
  if (declaration.namespaced) return info.namespace !== '' || !named;
  return info.namespace === '' || (declaration.resource === 'namespaces' && declaration.group === '');
}
