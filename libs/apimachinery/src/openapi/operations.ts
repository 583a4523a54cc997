import { definitionOfKind } from '../structure/schema.js';
import type { GroupVersionKind, ResourceDeclaration, SubresourceDeclaration } from '../types.js';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch';

/** One operation, before it is written in either form of OpenAPI. */
export interface Operation {
  readonly path: string;
  readonly method: Method;
  readonly action: string;
  readonly operationId: string;
  readonly tag: string;
  readonly kind: GroupVersionKind;
  /** Names of path parameters. */
  readonly pathParameters: readonly string[];
  readonly queryParameters: readonly string[];
  /** Definition of the body; undefined for none. */
  readonly body: string | undefined;
  /** Definition of the answer; undefined for text or a stream. */
  readonly answer: string | undefined;
  readonly codes: readonly number[];
}

export const patchDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch';
const deleteOptions = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
const status = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';

const writeQuery = ['dryRun', 'fieldManager', 'fieldValidation'];
const deleteQuery = [
  'dryRun',
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'propagationPolicy',
];
const listQuery = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
];

/** Every operation of a resource and its subresources. `definitionOf` names the definition of a kind. */
export function operationsOf(
  declaration: ResourceDeclaration,
  definitionOf: (kind: GroupVersionKind) => string | undefined = ({ group, version, kind }) =>
    definitionOfKind(group, version, kind),
): Operation[] {
  const { group, version, kind, listKind, resource, namespaced, verbs } = declaration;
  const own = { group, version, kind };
  const base = `${basePath(group, version)}/`;
  const collection = namespaced ? `${base}namespaces/{namespace}/${resource}` : base + resource;
  const scope = namespaced ? 'Namespaced' : '';
  const object = definitionOf(own);
  const list = definitionOf({ group, version, kind: listKind });
  const make = maker(declaration, own);
  const operations: Operation[] = [];
  const add = (verb: string, operation: () => Operation) => {
    if (verbs.includes(verb)) operations.push(operation());
  };
  add('list', () => make(collection, 'get', 'list', `${scope}${kind}`, { query: listQuery, answer: list }));
  if (namespaced) {
    const everywhere = `${kind}ForAllNamespaces`;
    add('list', () => make(base + resource, 'get', 'list', everywhere, { query: listQuery, answer: list }));
  }
  add('create', () =>
    make(collection, 'post', 'post', `${scope}${kind}`, {
      query: writeQuery,
      body: object,
      answer: object,
      codes: [200, 201, 202],
    }),
  );
  add('deletecollection', () =>
    make(collection, 'delete', 'deletecollection', `Collection${scope}${kind}`, {
      query: [...deleteQuery, ...listQuery],
      body: deleteOptions,
      answer: status,
    }),
  );
  const item = `${collection}/{name}`;
  operations.push(...itemOperations(make, item, verbs, `${scope}${kind}`, object, status));
  for (const subresource of declaration.subresources) {
    operations.push(...subresourceOperations(declaration, subresource, item, scope, definitionOf));
  }
  return operations;
}

function subresourceOperations(
  declaration: ResourceDeclaration,
  subresource: SubresourceDeclaration,
  item: string,
  scope: string,
  definitionOf: (kind: GroupVersionKind) => string | undefined,
): Operation[] {
  const { group, version, kind, name, verbs } = subresource;
  const make = maker(declaration, { group, version, kind });
  const path = `${item}/${name}`;
  const noun = `${scope}${declaration.kind}${capitalized(name)}`;
  if (verbs.includes('connect')) {
    const methods: readonly Method[] =
      name === 'proxy' ? ['delete', 'get', 'patch', 'post', 'put'] : ['get', 'post'];
    return methods.map((method) => make(path, method, 'connect', capitalized(method) + noun, {}));
  }
  const definition = definitionOf({ group, version, kind });
  const operations = itemOperations(make, path, verbs, noun, name === 'log' ? undefined : definition, status);
  if (verbs.includes('create')) {
    operations.push(
      make(path, 'post', 'post', noun, {
        query: writeQuery,
        body: definition,
        answer: definition,
        codes: [200, 201, 202],
      }),
    );
  }
  return operations;
}

type Make = (path: string, method: Method, action: string, noun: string, parts: OperationParts) => Operation;

interface OperationParts {
  readonly query?: readonly string[];
  readonly body?: string | undefined;
  readonly answer?: string | undefined;
  readonly codes?: readonly number[];
}

function itemOperations(
  make: Make,
  path: string,
  verbs: readonly string[],
  noun: string,
  definition: string | undefined,
  deleted: string,
): Operation[] {
  const operations: Operation[] = [];
  if (verbs.includes('get')) operations.push(make(path, 'get', 'get', noun, { answer: definition }));
  if (verbs.includes('update')) {
    operations.push(
      make(path, 'put', 'put', noun, {
        query: writeQuery,
        body: definition,
        answer: definition,
        codes: [200, 201],
      }),
    );
  }
  if (verbs.includes('patch')) {
    const query = [...writeQuery, 'force'];
    operations.push(
      make(path, 'patch', 'patch', noun, {
        query,
        body: patchDefinition,
        answer: definition,
        codes: [200, 201],
      }),
    );
  }
  if (verbs.includes('delete')) {
    operations.push(
      make(path, 'delete', 'delete', noun, {
        query: deleteQuery,
        body: deleteOptions,
        answer: deleted,
        codes: [200, 202],
      }),
    );
  }
  return operations;
}

const idVerbs: Readonly<Record<string, string>> = {
  get: 'read',
  put: 'replace',
  post: 'create',
  deletecollection: 'delete',
};

function maker({ group, version }: ResourceDeclaration, kind: GroupVersionKind): Make {
  const words = (group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')).split('.');
  const groupVersion = words.map(capitalized).join('') + capitalized(version);
  return (path, method, action, noun, { query = [], body, answer, codes = [200] }) => ({
    path,
    method,
    action,
    operationId: `${idVerbs[action] ?? action}${groupVersion}${noun}`,
    tag: `${words[0] ?? 'core'}${words.slice(1).map(capitalized).join('')}_${version}`,
    kind,
    pathParameters: [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''),
    queryParameters: query,
    body,
    answer,
    codes,
  });
}

export function basePath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
