import {
  badRequest,
  conformObject,
  decodeProtobuf,
  parseYaml,
  strictDecodingError,
  type Decoded,
  type DecodeOptions,
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
  if (type === jsonType) return settled(decodeObject(body.bytes, options), warnings);
  const { value, duplicates } = parsedBody(type, body.bytes, kind);
  return conformed(value, duplicates, options, warnings);
}

/** A parsed value as an object of its kind; keys that its YAML repeats (`line 3: key "a" …`) count as strict errors. */
export function conformed(
  value: unknown,
  duplicates: readonly string[],
  options: DecodeOptions,
  warnings: string[],
): KubernetesObject {
  const repeated = duplicates.length === 0 ? [] : [`yaml: unmarshal errors:\n  ${duplicates.join('\n  ')}`];
  if (repeated.length > 0 && options.fieldValidation === 'Strict')
    throw strictDecodingError(options.declaration, repeated);
  if (options.fieldValidation !== 'Ignore') warnings.push(...repeated);
  return settled(conformObject(value, options), warnings);
}

function settled(decoded: Decoded, warnings: string[]): KubernetesObject {
  warnings.push(...decoded.warnings);
  return decoded.object;
}

interface Parsed {
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

/** Bodies that are not JSON, as JSON values. */
function parsedBody(type: string, bytes: Uint8Array, kind?: KindSchema): Parsed {
  if (type === protobufType && (kind === undefined || kind.definition !== undefined))
    return { value: decodeProtobuf(bytes, kind).object, duplicates: [] };
  if (type === yamlType) {
    const { value, duplicateKeys } = parseYaml(asBuffer(bytes).toString('utf8'));
    return { value, duplicates: duplicateKeys };
  }
  throw unsupportedMediaType([jsonType, yamlType, protobufType]);
}

/** The body of an apply: YAML, of which JSON is a part; clients send JSON mostly. */
export function yamlOrJsonBody(request: ApiRequest): Parsed {
  const { body } = request;
  if (body === undefined || 'object' in body) return { value: jsonBody(request), duplicates: [] };
  const first = body.bytes.find((byte) => byte > 0x20);
  if (first === openBrace) return { value: parseJson(body.bytes), duplicates: [] };
  return parsedBody(yamlType, body.bytes);
}

const openBrace = 0x7b;

/** A body that is plain JSON without a schema of its own (DeleteOptions, patches). */
export function jsonBody(request: ApiRequest): unknown {
  const { body } = request;
  if (body === undefined) return undefined;
  if ('object' in body) return structuredClone(body.object);
  if (body.bytes.length === 0) return undefined;
  const type = mediaType(request);
  if (type === protobufType || type === yamlType) return parsedBody(type, body.bytes).value;
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
