import { describe, expect, it } from 'vitest';
import type { ApiError } from './api-error.js';
import * as errors from './catalogue.js';
import { immutable, invalidValue, required } from './field-errors.js';

const pods = { group: '', resource: 'pods' };
const deployments = { group: 'apps', resource: 'deployments' };

describe('error catalogue', () => {
  it.each<[string, ApiError, number, string, string]>([
    ['notFound', errors.notFound(pods, 'x'), 404, 'NotFound', 'pods "x" not found'],
    [
      'notFound in a group',
      errors.notFound(deployments, 'x'),
      404,
      'NotFound',
      'deployments.apps "x" not found',
    ],
    ['alreadyExists', errors.alreadyExists(pods, 'x'), 409, 'AlreadyExists', 'pods "x" already exists'],
    [
      'conflict',
      errors.conflict(deployments, 'x'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "x": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [
      'forbiddenByAuthorizer',
      errors.forbiddenByAuthorizer({
        username: 'u',
        verb: 'list',
        group: '',
        resource: 'pods',
        namespace: 'default',
      }),
      403,
      'Forbidden',
      'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [
      'forbiddenByAuthorizer of one object',
      errors.forbiddenByAuthorizer({
        username: 'u',
        verb: 'get',
        group: '',
        resource: 'nodes',
        subresource: 'status',
        name: 'n',
      }),
      403,
      'Forbidden',
      'nodes "n" is forbidden: User "u" cannot get resource "nodes/status" in API group "" at the cluster scope',
    ],
    [
      'forbiddenPath',
      errors.forbiddenPath('u', 'get', '/metrics'),
      403,
      'Forbidden',
      'forbidden: User "u" cannot get path "/metrics"',
    ],
    ['unauthorized', errors.unauthorized(), 401, 'Unauthorized', 'Unauthorized'],
    [
      'resourceVersionTooOld',
      errors.resourceVersionTooOld(5, 10),
      410,
      'Expired',
      'too old resource version: 5 (10)',
    ],
    [
      'resourceVersionTooLarge',
      errors.resourceVersionTooLarge(50, 10),
      504,
      'Timeout',
      'Too large resource version: 50, current: 10',
    ],
    [
      'methodNotSupported',
      errors.methodNotSupported(pods, 'delete'),
      405,
      'MethodNotAllowed',
      'delete is not supported on resources of kind "pods"',
    ],
    [
      'notAcceptable',
      errors.notAcceptable(['application/json']),
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/json',
    ],
    [
      'unsupportedMediaType',
      errors.unsupportedMediaType(['application/json']),
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json',
    ],
    [
      'requestEntityTooLarge',
      errors.requestEntityTooLarge(3145728),
      413,
      'RequestEntityTooLarge',
      'Request entity too large: limit is 3145728',
    ],
    ['internalError', errors.internalError('boom'), 500, 'InternalError', 'Internal error occurred: boom'],
    [
      'timeout',
      errors.timeout('request did not complete within the allotted timeout'),
      504,
      'Timeout',
      'Timeout: request did not complete within the allotted timeout',
    ],
  ])('words %s as Kubernetes does', (_name, error, code, reason, message) => {
    expect([error.code, error.reason, error.message]).toEqual([code, reason, message]);
    expect(error.toStatus()).toMatchObject({ kind: 'Status', status: 'Failure', code, reason, message });
  });

  it('tells every field error once, and each as a cause', () => {
    const list = [required('spec.a'), invalidValue('spec.b', 'x', 'must be y'), required('spec.a')];
    const error = errors.invalid({ group: 'apps', kind: 'Deployment' }, 'x', list);
    expect(error.message).toBe(
      'Deployment.apps "x" is invalid: [spec.a: Required value, spec.b: Invalid value: "x": must be y]',
    );
    expect(error.details).toMatchObject({ name: 'x', group: 'apps', kind: 'Deployment' });
    expect(error.details?.causes).toContainEqual({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "x": must be y',
      field: 'spec.b',
    });
  });

  it('tells a single field error without brackets', () => {
    expect(errors.invalid({ group: '', kind: 'Pod' }, 'x', [immutable('spec.a', null)]).message).toBe(
      'Pod "x" is invalid: spec.a: Invalid value: null: field is immutable',
    );
  });

  it('gives the continue token of an expired list', () => {
    expect(errors.continueExpired('token').toStatus()).toMatchObject({
      reason: 'Expired',
      code: 410,
      metadata: { continue: 'token' },
    });
  });

  it('lists the fields that other managers hold', () => {
    const message = 'conflict with "kubectl" using apps/v1';
    const conflict = (field: string) => ({ manager: 'kubectl', field, message });
    expect(errors.applyConflict([conflict('.spec.replicas')]).message).toBe(
      `Apply failed with 1 conflict: ${message}: .spec.replicas`,
    );
    expect(errors.applyConflict([conflict('.spec.a'), conflict('.spec.b')]).message).toBe(
      `Apply failed with 2 conflicts: ${message}:\n- .spec.a\n- .spec.b`,
    );
  });
});
