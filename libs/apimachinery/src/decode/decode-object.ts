import { ApiError } from '../errors/api-error.js';
import { badRequest, cannotBeHandled } from '../errors/catalogue.js';
import type { Schema } from '../structure/schema.js';
import type { GroupVersionKind, KubernetesObject } from '../types.js';
import { conform, newFindings, TypeMismatch } from './conform.js';
import { countKeys, duplicateFields, scanJson } from './scan.js';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface DecodeOptions {
  /** Schema of the kind; undefined where there is none (a custom resource without one): nothing is pruned. */
  readonly schema: Schema | undefined;
  /** The kind that is expected. An absent `apiVersion` or `kind` in the body is filled in from here. */
  readonly declaration: GroupVersionKind;
  /** Default Warn, as the API server's. */
  readonly fieldValidation?: FieldValidation;
}

export interface Decoded {
  readonly object: KubernetesObject;
  /** With Warn: what the client is told in Warning headers, e.g. `unknown field "spec.foo"`. */
  readonly warnings: readonly string[];
  /** Unknown and duplicate fields found, whatever the mode but Ignore. Empty after Strict, which throws instead. */
  readonly strictErrors: readonly string[];
}

/** Nesting beyond this is refused: our walks recurse. Kubernetes' own limit is 10,000. */
export const maxJsonDepth = 1000;

const utf8 = new TextDecoder('utf-8');

/**
 * Decodes a JSON body as Kubernetes does: unknown fields are pruned, nulls count as absent, names are case-sensitive,
 * the last of duplicate fields wins, times and quantities become canonical.
 *
 * Throws ApiError BadRequest: no JSON, another kind, a value of the wrong type, and with Strict any unknown or duplicate field.
 */
export function decodeObject(input: Uint8Array | string, options: DecodeOptions): Decoded {
  const { declaration, schema } = options;
  const mode = options.fieldValidation ?? 'Warn';
  const text = typeof input === 'string' ? input : utf8.decode(input);
  const shape = scanJson(text);
  if (shape.maxDepth > maxJsonDepth) throw unrecognized(declaration, 'exceeded max depth');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw unrecognized(
      declaration,
      `json parse error: ${error instanceof Error ? error.message : 'invalid'}`,
    );
  }
  const { object, unknown, keys } = fit(parsed, schema, declaration);
  const strictErrors = unknown;
  if (mode !== 'Ignore' && shape.keys !== keys)
    strictErrors.push(...duplicateFields(text).map((path) => `duplicate field ${JSON.stringify(path)}`));
  return settle(object, strictErrors, mode, declaration);
}

/**
 * The same for a value that is already parsed (from YAML or protobuf, the result of a patch): it is changed in place and
 * owned by the result. Depth is the caller's to bound.
 */
export function conformObject(value: unknown, options: DecodeOptions): Decoded {
  const { object, unknown } = fit(value, options.schema, options.declaration);
  return settle(object, unknown, options.fieldValidation ?? 'Warn', options.declaration);
}

function fit(
  parsed: unknown,
  schema: Schema | undefined,
  of: GroupVersionKind,
): { object: KubernetesObject; unknown: string[]; keys: number } {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw unrecognized(of, 'json parse error: the body is not a JSON object');
  const object = parsed as Record<string, unknown>;
  // Another kind's fields would all be unknown here, so first of all: is it this kind?
  const added = expectKind(object, of);
  let keys = 0;
  let unknown: string[] = [];
  if (schema === undefined) keys = countKeys(object);
  else {
    const findings = newFindings();
    try {
      conform(schema, object, findings);
    } catch (error) {
      if (error instanceof TypeMismatch) throw cannotBeHandled(of, error.message);
      throw error;
    }
    keys = findings.keys;
    unknown = findings.unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  }
  object['metadata'] ??= {};
  return { object: object as KubernetesObject, unknown, keys: keys - added };
}

function settle(
  object: KubernetesObject,
  strictErrors: string[],
  mode: FieldValidation,
  of: GroupVersionKind,
): Decoded {
  if (mode === 'Ignore' || strictErrors.length === 0) return { object, warnings: none, strictErrors: none };
  if (mode === 'Strict') throw strictDecodingError(of, strictErrors);
  return { object, warnings: strictErrors, strictErrors };
}

const none: readonly string[] = [];

/** The answer to a body with fields that Strict does not take. Patches make it from the errors of patch and result. */
export function strictDecodingError(of: GroupVersionKind, strictErrors: readonly string[]): ApiError {
  return cannotBeHandled(of, `strict decoding error: ${strictErrors.join(', ')}`);
}

/** Fills in apiVersion and kind; returns how many keys were added for it. */
function expectKind(object: Record<string, unknown>, of: GroupVersionKind): number {
  const before = Number(Object.hasOwn(object, 'apiVersion')) + Number(Object.hasOwn(object, 'kind'));
  const expected = of.group === '' ? of.version : `${of.group}/${of.version}`;
  const { apiVersion, kind } = object;
  const version = apiVersion === undefined || apiVersion === '' ? expected : String(apiVersion);
  if (kind !== undefined && kind !== '' && kind !== of.kind) {
    const short = version.slice(version.lastIndexOf('/') + 1);
    // Kubernetes names its internal package: the first word of the group.
    const home = of.group === '' ? 'core' : of.group.split('.')[0];
    throw badRequest(
      `${String(kind)} in version ${JSON.stringify(short)} cannot be handled as a ${of.kind}: converting (${short}.${String(kind)}) to (${home}.${of.kind}): unknown conversion`,
    );
  }
  if (version !== expected)
    throw badRequest(
      `the API version in the data (${version}) does not match the expected API version (${expected})`,
    );
  object['apiVersion'] = expected;
  object['kind'] = of.kind;
  return 2 - before;
}

function unrecognized(of: GroupVersionKind, because: string): ApiError {
  return badRequest(
    `the object provided is unrecognized (must be of type ${of.kind}): couldn't get version/kind; ${because}`,
  );
}
