/** Paths that are no resources: discovery, OpenAPI, /version, health. Each is a `PathHandler`, asked after authorization. */
export { discoveryHandler, discoveryPaths, rootPathsHandler } from './discovery-handler.js';
export { DocumentCache } from './document-cache.js';
export { HealthRegistry, type HealthCheck, type HealthEndpoint } from './health.js';
export { openApiHandler } from './openapi-handler.js';
export { serverPaths, type ServerPathsOptions } from './server-paths.js';
export { versionHandler, versionInfo, type VersionFacts } from './version.js';
