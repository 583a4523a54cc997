import { decodeObject } from '../decode/decode-object.js';
import { ApiError } from '../errors/api-error.js';
import { invalid } from '../errors/catalogue.js';
import { createScheme } from '../scheme/scheme.js';
import { schemaOf } from '../structure/schema.js';
import type { KubernetesObject, ResourceDeclaration } from '../types.js';

/** FOR TESTS. A write as the API server does it: decode, defaults, strategy, validation. */
const scheme = createScheme();
const now = '2026-01-01T00:00:00Z';

/** `pods`, `deployments.apps` or `horizontalpodautoscalers.v1.autoscaling`. */
export function declarationOf(name: string): ResourceDeclaration {
  const [resource = '', ...rest] = name.split('.');
  const versioned = /^v\d/.test(rest[0] ?? '');
  const group = (versioned ? rest.slice(1) : rest).join('.');
  const version = versioned ? rest[0]! : scheme.versions(group)[0]!;
  const declaration = scheme.byResource({ group, version, resource });
  if (declaration === undefined) throw new Error(`no resource ${name}`);
  return declaration;
}

function decode(declaration: ResourceDeclaration, body: object): KubernetesObject {
  const schema = schemaOf(declaration.definition!);
  return decodeObject(JSON.stringify(body), { schema, declaration }).object;
}

/** The created object. Throws ApiError Invalid. */
export function create(name: string, body: object): KubernetesObject {
  const declaration = declarationOf(name);
  const object = decode(declaration, body);
  object.metadata.name ??= 'a';
  object.metadata.uid ??= 'uid-1';
  if (declaration.namespaced) object.metadata.namespace ??= 'default';
  declaration.setDefaults(object);
  declaration.prepareForCreate(object, { now, subresource: '' });
  const errors = declaration.validate(object);
  if (errors.length > 0) throw invalid(declaration, object.metadata.name, errors);
  return object;
}

/** The updated object, from a changed copy of the previous one. Throws ApiError Invalid. */
export function update(
  name: string,
  previous: KubernetesObject,
  change: (copy: KubernetesObject) => void,
  subresource = '',
): KubernetesObject {
  const declaration = declarationOf(name);
  const copy = structuredClone(previous);
  change(copy);
  const next = decode(declaration, copy);
  declaration.setDefaults(next);
  declaration.prepareForUpdate(next, previous, { now, subresource });
  const errors = declaration.validateUpdate(next, previous, subresource);
  if (errors.length > 0) throw invalid(declaration, previous.metadata.name ?? '', errors);
  return next;
}

/** The message with which a write is refused. */
export function refusal(write: () => unknown): string {
  try {
    write();
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
  throw new Error('was not refused');
}
