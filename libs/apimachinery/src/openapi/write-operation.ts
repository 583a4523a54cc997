import { patchDefinition, type Operation } from './operations.js';
import { reference, type SchemaWriter } from './schema-object.js';

const queryTypes: Readonly<Record<string, string>> = {
  allowWatchBookmarks: 'boolean',
  force: 'boolean',
  gracePeriodSeconds: 'integer',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'boolean',
  limit: 'integer',
  orphanDependents: 'boolean',
  sendInitialEvents: 'boolean',
  timeoutSeconds: 'integer',
  watch: 'boolean',
};
const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
const answerTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const watchTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

/** Query parameters are the operation's; those of the path are its siblings', written once for all. */
export function writeOperation(operation: Operation, writer: SchemaWriter): object {
  const { action, operationId, tag, kind } = operation;
  return {
    ...(writer.form === 'v3' ? operationV3(operation, writer) : operationV2(operation, writer)),
    operationId,
    tags: [tag],
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
  };
}

export function pathParameters(operation: Operation, writer: SchemaWriter): object[] {
  return operation.pathParameters.map((name) => ({
    name,
    in: 'path',
    required: true,
    ...typed('string', writer),
  }));
}

function queryParameters(operation: Operation, writer: SchemaWriter): object[] {
  return operation.queryParameters.map((name) => ({
    name,
    in: 'query',
    ...typed(queryTypes[name] ?? 'string', writer),
  }));
}

function typed(type: string, writer: SchemaWriter): object {
  return writer.form === 'v2' ? { type, uniqueItems: true } : { schema: { type, uniqueItems: true } };
}

function operationV3(operation: Operation, writer: SchemaWriter): object {
  const parameters = queryParameters(operation, writer);
  const { body, answer, action } = operation;
  const bodyTypes = body === patchDefinition ? patchTypes : ['*/*'];
  const types = action === 'list' ? [...answerTypes, ...watchTypes] : answerTypes;
  return {
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: contentOf(bodyTypes, reference(writer, body)),
            ...(operation.method === 'delete' ? {} : { required: true }),
          },
        }),
    responses: responses(operation, (description) => ({
      description,
      content:
        answer === undefined
          ? { '*/*': { schema: { type: 'string' } } }
          : contentOf(types, reference(writer, answer)),
    })),
  };
}

function contentOf(types: readonly string[], schema: object): object {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function operationV2(operation: Operation, writer: SchemaWriter): object {
  const { body, answer, action } = operation;
  const parameters = queryParameters(operation, writer);
  if (body !== undefined) {
    const required = operation.method === 'delete' ? {} : { required: true };
    parameters.unshift({ name: 'body', in: 'body', ...required, schema: reference(writer, body) });
  }
  return {
    consumes: body === patchDefinition ? patchTypes : ['*/*'],
    produces: action === 'list' ? [...answerTypes, ...watchTypes] : answerTypes,
    schemes: ['https'],
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: responses(operation, (description) => ({
      description,
      schema: answer === undefined ? { type: 'string' } : reference(writer, answer),
    })),
  };
}

const codeTexts: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

function responses(operation: Operation, answer: (description: string) => object): object {
  return {
    ...Object.fromEntries(operation.codes.map((code) => [code, answer(codeTexts[code] ?? '')])),
    401: { description: 'Unauthorized' },
  };
}
