import type { DiscoveryDocuments } from '#libs/apimachinery';
import type { PathHandler } from '../extension.js';
import type { ApiRequest, UnaryResponse } from '../request.js';
import { demandJson, discoveryContentType, discoveryForm } from './accept.js';
import { documentResponse, type Document, type DocumentCache } from './document-cache.js';

/**
 * `/api`, `/apis`, `/api/<version>`, `/apis/<group>` and `/apis/<group>/<version>` (KEP-3352 for the aggregated form, which
 * the roots answer when the Accept header prefers it). With ETag and 304.
 */
export function discoveryHandler(documents: DiscoveryDocuments, cache: DocumentCache): PathHandler {
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    const parts = request.path.split('/');
    if (parts.at(-1) === '') parts.pop();
    if (parts[1] !== 'api' && parts[1] !== 'apis') return undefined;
    if (parts.length === 2) return rootDocument(request, `/${parts[1]}`, documents, cache);
    const document = plainDocument(parts, documents, cache);
    if (document === undefined) return undefined;
    demandJson(request.headers['accept']);
    return documentResponse(request, document, discoveryContentType.plain);
  };
}

function rootDocument(
  request: ApiRequest,
  root: '/api' | '/apis',
  documents: DiscoveryDocuments,
  cache: DocumentCache,
): UnaryResponse | undefined {
  const form = discoveryForm(request.headers['accept'], true);
  const plain = (): unknown => (root === '/api' ? documents.coreVersions() : documents.groupList());
  const document = cache.get(`${form} ${root}`, () =>
    form === 'plain' ? plain() : documents.aggregated(root, form),
  );
  return document === undefined ? undefined : documentResponse(request, document, discoveryContentType[form]);
}

function plainDocument(
  parts: readonly string[],
  documents: DiscoveryDocuments,
  cache: DocumentCache,
): Document | undefined {
  const [, root, first = '', second = ''] = parts;
  const key = parts.join('/');
  if (root === 'api') {
    return parts.length === 3 ? cache.get(key, () => documents.resourceList('', first)) : undefined;
  }
  if (parts.length === 3) return cache.get(key, () => documents.group(first));
  return parts.length === 4 ? cache.get(key, () => documents.resourceList(first, second)) : undefined;
}

/** `/`: the paths that are served, as `kubectl get --raw /` shows them. `extra` are those beside discovery. */
export function rootPathsHandler(
  groupVersions: () => readonly string[],
  extra: readonly string[],
  cache: DocumentCache,
): PathHandler {
  const make = (): unknown => ({ paths: [...new Set([...groupVersions(), ...extra])].sort() });
  return (request) => {
    if ((request.method !== 'GET' && request.method !== 'HEAD') || request.path !== '/') return undefined;
    const document = cache.get('/', make);
    return document === undefined ? undefined : documentResponse(request, document, 'application/json');
  };
}

/** `/api`, `/api/v1`, `/apis`, `/apis/<group>`, `/apis/<group>/<version>` of all that is served. */
export function discoveryPaths(versionsByGroup: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const paths = ['/api', '/apis', '/apis/'];
  for (const [group, versions] of versionsByGroup) {
    if (group !== '') paths.push(`/apis/${group}`);
    for (const version of versions)
      paths.push(group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
  }
  return paths;
}
