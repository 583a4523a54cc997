/**
 * apimachinery: what a Kubernetes object is. Kinds and their declarations, schemas, defaults, validation,
 * selectors, patches, server-side apply, quantities, codecs and tables. PURE: time, chance and ids are
 * arguments; nothing here does I/O.
 */
export * from './types.js';
export * from './errors/api-error.js';
export * from './structure/schema.js';
export * from './errors/catalogue.js';
export * as fieldErrors from './errors/field-errors.js';
export * from './scheme/index.js';
export * from './decode/index.js';
export * from './tables/index.js';
export * from './quantity/index.js';
export * from './selectors/index.js';
export * from './patch/index.js';
export * from './apply/index.js';
export * from './protobuf/index.js';
export * from './discovery/index.js';
export * from './openapi/index.js';
export * from './yaml/index.js';
