import { discoveryDocuments, type Scheme } from '#libs/apimachinery';
import type { PathHandler } from '../extension.js';
import { discoveryHandler, discoveryPaths, rootPathsHandler } from './discovery-handler.js';
import { DocumentCache } from './document-cache.js';
import { openApiHandler, type OpenApiDocuments } from './openapi-handler.js';
import { versionHandler, type VersionFacts } from './version.js';

export interface ServerPathsOptions extends VersionFacts {
  readonly scheme: Scheme;
  /** Made of the same scheme; without them there is no /openapi. */
  readonly openApi?: OpenApiDocuments;
}

const otherPaths = [
  '/.well-known/openid-configuration',
  '/healthz',
  '/livez',
  '/metrics',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

/** All that a server says about itself: discovery, OpenAPI, /version and the list of paths. Follows changes of the scheme. */
export function serverPaths(options: ServerPathsOptions): readonly PathHandler[] {
  const { scheme, openApi } = options;
  // The list of resources is another array after each change.
  const cache = new DocumentCache(() => scheme.resources());
  const paths = (): readonly string[] =>
    discoveryPaths(new Map(scheme.groups().map((group) => [group, scheme.versions(group)])));
  const openApiPaths = openApi === undefined ? [] : ['/openapi/v2', '/openapi/v3'];
  return [
    discoveryHandler(discoveryDocuments(scheme), cache),
    ...(openApi === undefined ? [] : [openApiHandler(openApi, cache)]),
    versionHandler(options),
    rootPathsHandler(paths, [...otherPaths, ...openApiPaths], cache),
  ];
}
