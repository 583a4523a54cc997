/**
 * OpenAPI of what a scheme serves, for kubectl's explain, apply and validation: one 3.0 document a group version, one 2.0
 * document for all: `openApiDocuments(scheme).v3('apis/apps/v1')`.
 */
export { openApiDocuments, type CustomSchema, type OpenApiDocuments } from './documents.js';
export { encodeOpenApiV2 } from './v2-protobuf.js';
