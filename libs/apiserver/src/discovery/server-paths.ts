import { discoveryDocuments, openApiDocuments, type CustomSchema, type Scheme } from '#libs/apimachinery';
import type { PathHandler } from '../extension.js';
import { discoveryHandler, discoveryPaths, rootPathsHandler } from './discovery-handler.js';
import { DocumentCache } from './document-cache.js';
import { openApiHandler } from './openapi-handler.js';
import { versionHandler, type VersionFacts } from './version.js';

export interface ServerPathsOptions extends VersionFacts {
  readonly scheme: Scheme;
  /** Schemas of custom resources, for OpenAPI. */
  readonly customSchema?: CustomSchema;
}

const otherPaths = [
  '/.well-known/openid-configuration',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

/** All that a server says about itself: discovery, OpenAPI, /version and the list of paths. Follows changes of the scheme. */
export function serverPaths(options: ServerPathsOptions): readonly PathHandler[] {
  const { scheme } = options;
  // The list of resources is another array after each change.
  const cache = new DocumentCache(() => scheme.resources());
  const paths = (): readonly string[] =>
    discoveryPaths(new Map(scheme.groups().map((group) => [group, scheme.versions(group)])));
  return [
    discoveryHandler(discoveryDocuments(scheme), cache),
    openApiHandler(openApiDocuments(scheme, options.customSchema), cache),
    versionHandler(options),
    rootPathsHandler(paths, otherPaths, cache),
  ];
}
