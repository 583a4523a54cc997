/**
 * apimachinery: what a Kubernetes object is. Kinds and their declarations, schemas, defaults, validation,
 * selectors, patches, server-side apply, quantities, codecs and tables. PURE: time, chance and ids are
 * arguments; nothing here does I/O.
 *
 * Contract: an object is decoded once (`decodeObject` prunes, checks types and makes scalars canonical), then owned and
 * changed in place by its declaration's hooks; declarations, schemas and stored bytes are shared and never written to.
 *
 *     const pods = createScheme().byResource({ group: '', version: 'v1', resource: 'pods' })!;
 *     const { object, warnings } = decodeObject(bytes, { schema: schemaOf(pods.definition!), declaration: pods });
 *     pods.setDefaults(object);
 *     // name, namespace and uid are given here: strategies of some kinds (Job) build on them
 *     pods.prepareForCreate(object, { now, subresource: '' });
 *     const errors = pods.validate(object);
 *     if (errors.length > 0) throw invalid(pods, object.metadata.name ?? '', errors);
 *     const stored = encodeStored(object); // bytes with a slot for the revision at stored.stampOffset
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
