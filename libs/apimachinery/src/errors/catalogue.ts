import { ApiError } from './api-error.js';
import type { StatusDetails } from './api-error.js';
import { aggregateFieldErrors, causesOf } from './field-errors.js';
import type { FieldError, GroupVersionKind } from '../types.js';

/**
 * The failures of the API in the words of k8s.io/apimachinery's `errors` package: clients match on reason, code,
 * details and at times on the message. Every function makes an error and throws nothing.
 */
export interface GroupResource {
  readonly group: string;
  /** Plural, lower case; with `/subresource` where a message names one. */
  readonly resource: string;
}

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** `deployments.apps`, or `pods` in the core group. */
export function qualified(name: string, group: string): string {
  return group === '' ? name : `${name}.${group}`;
}

function resourceDetails(of: GroupResource, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(of.group === '' ? {} : { group: of.group }),
    kind: of.resource,
  };
}

export function notFound(of: GroupResource, name: string): ApiError {
  return new ApiError(
    404,
    'NotFound',
    `${qualified(of.resource, of.group)} ${JSON.stringify(name)} not found`,
    resourceDetails(of, name),
  );
}

/** What a path that no resource serves answers. */
export function pathNotFound(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(of: GroupResource, name: string): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${qualified(of.resource, of.group)} ${JSON.stringify(name)} already exists`,
    resourceDetails(of, name),
  );
}

/** A generated name was taken: the client may try again at once. */
export function generateNameConflict(of: GroupResource, name: string): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${qualified(of.resource, of.group)} ${JSON.stringify(name)} already exists, the server was not able to generate a unique name for the object`,
    { ...resourceDetails(of, name), retryAfterSeconds: 1 },
  );
}

export const modifiedMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(of: GroupResource, name: string, because: string = modifiedMessage): ApiError {
  return new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(of.resource, of.group)} ${JSON.stringify(name)}: ${because}`,
    resourceDetails(of, name),
  );
}

/** A server-side apply that met other managers' fields; `fields` are causes as `.spec.replicas`. */
export function applyConflict(
  conflicts: readonly { readonly manager: string; readonly field: string; readonly message: string }[],
): ApiError {
  const s = conflicts.length === 1 ? '' : 's';
  const byManager = new Map<string, string[]>();
  for (const { message, field } of conflicts) {
    const fields = byManager.get(message);
    if (fields === undefined) byManager.set(message, [field]);
    else fields.push(field);
  }
  const lines = [...byManager].map(([message, fields]) =>
    fields.length === 1
      ? `${message}: ${fields[0]}`
      : `${message}:\n${fields.map((field) => `- ${field}`).join('\n')}`,
  );
  return new ApiError(
    409,
    'Conflict',
    `Apply failed with ${conflicts.length} conflict${s}: ${lines.join('\n')}`,
    {
      causes: conflicts.map(({ message, field }) => ({ reason: 'FieldManagerConflict', message, field })),
    },
  );
}

export interface ForbiddenAttributes {
  readonly username: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly namespace?: string;
  /** Why the authorizer refused, when it says so. */
  readonly reason?: string;
}

/** The authorizer's no. */
export function forbiddenByAuthorizer(attributes: ForbiddenAttributes): ApiError {
  const { username, verb, group, namespace = '', name = '', reason } = attributes;
  const resource =
    attributes.subresource === undefined || attributes.subresource === ''
      ? attributes.resource
      : `${attributes.resource}/${attributes.subresource}`;
  const place = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const action = `User ${JSON.stringify(username)} cannot ${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${place}`;
  return forbidden(
    { group, resource: attributes.resource },
    name,
    reason === undefined || reason === '' ? action : `${action}: ${reason}`,
  );
}

/** The authorizer's no to a path outside the resources. */
export function forbiddenPath(username: string, verb: string, path: string): ApiError {
  return new ApiError(
    403,
    'Forbidden',
    `forbidden: User ${JSON.stringify(username)} cannot ${verb} path ${JSON.stringify(path)}`,
    {},
  );
}

/** Admission's no: `pods "x" is forbidden: …`. */
export function forbidden(of: GroupResource, name: string, because: string): ApiError {
  const what = qualified(of.resource, of.group);
  const message =
    name === ''
      ? `${what} is forbidden: ${because}`
      : `${what} ${JSON.stringify(name)} is forbidden: ${because}`;
  return new ApiError(403, 'Forbidden', message, resourceDetails(of, name));
}

export function unauthorized(message = 'Unauthorized'): ApiError {
  return new ApiError(401, 'Unauthorized', message);
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

/** All field errors of one object in one answer. */
export function invalid(of: GroupKind, name: string, errors: readonly FieldError[]): ApiError {
  const what = qualified(of.kind, of.group);
  return new ApiError(
    422,
    'Invalid',
    `${what} ${JSON.stringify(name)} is invalid: ${aggregateFieldErrors(errors)}`,
    {
      name,
      ...(of.group === '' ? {} : { group: of.group }),
      kind: of.kind,
      causes: causesOf(errors),
    },
  );
}

/** A list or watch at a revision that has been compacted away. `continueToken` starts an inconsistent continuation. */
export function expired(message: string, continueToken?: string): ApiError {
  return new ApiError(410, 'Expired', message, undefined, continueToken);
}

export function continueExpired(continueToken: string): ApiError {
  return expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    continueToken,
  );
}

/** A watch or exact list from `requested` when `current` (the oldest held) is later. */
export function resourceVersionTooOld(requested: number, current: number): ApiError {
  return expired(`too old resource version: ${requested} (${current})`);
}

/** A read not older than a revision that this replica has yet to reach. */
export function resourceVersionTooLarge(requested: number, current: number): ApiError {
  return new ApiError(504, 'Timeout', `Too large resource version: ${requested}, current: ${current}`, {
    retryAfterSeconds: 1,
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  });
}

export function gone(message: string): ApiError {
  return new ApiError(410, 'Gone', message);
}

export function methodNotSupported(of: GroupResource, action: string): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    `${action} is not supported on resources of kind ${JSON.stringify(qualified(of.resource, of.group))}`,
    resourceDetails(of, ''),
  );
}

/** A method that the path does not take at all. */
export function methodNotAllowed(): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

export function notAcceptable(accepted: readonly string[]): ApiError {
  return new ApiError(
    406,
    'NotAcceptable',
    `only the following media types are accepted: ${accepted.join(', ')}`,
  );
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

export function requestEntityTooLarge(limitBytes: number): ApiError {
  return new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`);
}

/** A stored object would exceed what the store takes. */
export function objectTooLarge(limitBytes: number): ApiError {
  return new ApiError(
    413,
    'RequestEntityTooLarge',
    `Request is too large: trying to send a message larger than max (${limitBytes})`,
  );
}

export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError(429, 'TooManyRequests', message, { retryAfterSeconds });
}

/** An eviction that a PodDisruptionBudget holds up for now. */
export function disruptionBudgetRefuses(budget: string, healthy: number, needed: number): ApiError {
  return new ApiError(
    429,
    'TooManyRequests',
    "Cannot evict pod as it would violate the pod's disruption budget.",
    {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: `The disruption budget ${budget} needs ${needed} healthy pods and has ${healthy} currently`,
        },
      ],
    },
  );
}

/** The deadline of the request has passed; the write may still take effect. */
export function timeout(message: string, retryAfterSeconds?: number): ApiError {
  return new ApiError(
    504,
    'Timeout',
    `Timeout: ${message}`,
    retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
  );
}

/** The server could not do it in time: worth a retry. */
export function serverTimeout(of: GroupResource, operation: string, retryAfterSeconds: number): ApiError {
  return new ApiError(
    500,
    'ServerTimeout',
    `The ${operation} operation against ${qualified(of.resource, of.group)} could not be completed at this time, please try again.`,
    { ...resourceDetails(of, ''), retryAfterSeconds },
  );
}

export function serviceUnavailable(message: string, retryAfterSeconds?: number): ApiError {
  return new ApiError(
    503,
    'ServiceUnavailable',
    message,
    retryAfterSeconds === undefined ? undefined : { retryAfterSeconds },
  );
}

const storeUnavailableReason = 'StoreUnavailable';

/** What objects of this kind are kept in is out of reach; the cluster itself is not. Not an error of Kubernetes' own. */
export function storeUnavailable(message: string): ApiError {
  return new ApiError(503, 'ServiceUnavailable', message, {
    retryAfterSeconds: 1,
    causes: [{ reason: storeUnavailableReason, message }],
  });
}

export function isStoreUnavailable(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    error.details?.causes?.some(({ reason }) => reason === storeUnavailableReason) === true
  );
}

/** The cause is told as Kubernetes tells it; a caller must not pass secrets or stack traces. */
export function internalError(cause: string): ApiError {
  return new ApiError(500, 'InternalError', `Internal error occurred: ${cause}`, {
    causes: [{ reason: 'InternalError', message: cause }],
  });
}

/** A body whose JSON is sound but does not fit the kind. */
export function cannotBeHandled(of: GroupVersionKind, because: string): ApiError {
  return badRequest(
    `${of.kind} in version ${JSON.stringify(of.version)} cannot be handled as a ${of.kind}: ${because}`,
  );
}
