import {
  badRequest,
  conformObject,
  decodeProtobuf,
  decodeObject,
  schemaOf,
  unsupportedMediaType,
  type FieldValidation,
  type GroupVersionKind,
  type KubernetesObject,
} from '#libs/apimachinery';
import type { ApiRequest } from '../request.js';
import { asBuffer } from './bytes.js';

export const jsonType = 'application/json';
export const yamlType = 'application/yaml';
export const protobufType = 'application/vnd.kubernetes.protobuf';

/** A kind and where its schema stands; `definition` is undefined for custom resources. */
export interface KindSchema extends GroupVersionKind {
  readonly definition: string | undefined;
}

/** Media type of a body without parameters, lower case; JSON when the client does not say. */
export function mediaType(request: ApiRequest): string {
  const header = request.headers['content-type'];
  if (header === undefined || header === '') return jsonType;
  const semicolon = header.indexOf(';');
  return (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
}

/**
 * Decodes the body of a create or update. What the fieldValidation mode only warns of is added to `warnings`.
 * Throws ApiError: 400 what is wrong with the body, 415 its type.
 */
export function decodeBody(
  request: ApiRequest,
  kind: KindSchema,
  fieldValidation: FieldValidation,
  warnings: string[],
): KubernetesObject {
  const { body } = request;
  if (body === undefined) throw badRequest('the body of the request is empty');
  const schema = kind.definition === undefined ? undefined : schemaOf(kind.definition);
  const options = { schema, declaration: kind, fieldValidation };
  if ('object' in body) {
    // Callers of this process build objects from parts of shared ones: nothing of theirs is kept.
    return conformObject(structuredClone(body.object), { ...options, fieldValidation: 'Ignore' }).object;
  }
  const type = mediaType(request);
  const decoded =
    type === jsonType
      ? decodeObject(body.bytes, options)
      : conformObject(parsedBody(type, body.bytes, kind), options);
  warnings.push(...decoded.warnings);
  return decoded.object;
}

/** Bodies that are not JSON, as JSON values. */
function parsedBody(type: string, bytes: Uint8Array, kind?: KindSchema): unknown {
  if (type === protobufType && (kind === undefined || kind.definition !== undefined))
    return decodeProtobuf(bytes, kind).object;
  throw unsupportedMediaType([jsonType, yamlType, protobufType, type].slice(0, 3));
}

/** The body of an apply: YAML, of which JSON is a part; clients send JSON mostly. */
export function yamlOrJsonBody(request: ApiRequest): unknown {
  const { body } = request;
  if (body === undefined || 'object' in body) return jsonBody(request);
  const first = body.bytes.find((byte) => byte > 0x20);
  return first === openBrace ? parseJson(body.bytes) : parsedBody(yamlType, body.bytes);
}

const openBrace = 0x7b;

/** A body that is plain JSON without a schema of its own (DeleteOptions, patches). */
export function jsonBody(request: ApiRequest): unknown {
  const { body } = request;
  if (body === undefined) return undefined;
  if ('object' in body) return structuredClone(body.object);
  if (body.bytes.length === 0) return undefined;
  const type = mediaType(request);
  if (type === protobufType || type === yamlType) return parsedBody(type, body.bytes);
  return parseJson(body.bytes);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(asBuffer(bytes).toString('utf8'));
  } catch (error) {
    throw badRequest(
      `the body of the request is not valid JSON: ${error instanceof Error ? error.message : 'malformed'}`,
    );
  }
}
