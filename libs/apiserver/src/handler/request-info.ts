import { ApiError } from '#libs/apimachinery';

/** What a path and a method ask for, as Kubernetes' RequestInfo resolves it. */
export interface RequestInfo {
  readonly resourceRequest: boolean;
  readonly path: string;
  /** get, list, watch, create, update, patch, delete, deletecollection; the lower-case method on other paths. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  /** Empty for a collection. */
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource: the tail of a proxy path. */
  readonly tail: string;
}

const verbsByMethod: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function nonResource(method: string, path: string): RequestInfo {
  return {
    resourceRequest: false,
    path,
    verb: method.toLowerCase(),
    group: '',
    version: '',
    namespace: '',
    resource: '',
    name: '',
    subresource: '',
    tail: '',
  };
}

/**
 * Resolves a decoded path. `/api/v1/…` is the core group, `/apis/<group>/<version>/…` the others; what is shorter is
 * a discovery path, no resource. Throws ApiError 405 for a method that no resource has.
 */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = path.split('/');
  // parts[0] is '' before the leading slash; a trailing slash leaves an empty last part.
  if (parts.at(-1) === '') parts.pop();
  let at: number;
  let group = '';
  if (parts[1] === 'api' && parts.length > 3) {
    at = 2;
  } else if (parts[1] === 'apis' && parts.length > 4) {
    group = parts[2] ?? '';
    at = 3;
  } else {
    return nonResource(method, path);
  }
  const version = parts[at] ?? '';
  let verb = method === 'GET' || method === 'HEAD' ? 'get' : verbsByMethod[method];
  if (verb === undefined)
    throw new ApiError(405, 'MethodNotAllowed', `the method ${method} is not supported`);
  at += 1;
  if (parts[at] === 'watch' && parts.length > at + 1 && verb === 'get') {
    // The deprecated /watch/ prefix.
    verb = 'watch';
    at += 1;
  }
  let namespace = '';
  if (parts[at] === 'namespaces' && parts.length > at + 2 && !isNamespaceSubresource(group, parts, at)) {
    namespace = parts[at + 1] ?? '';
    at += 2;
  } else if (parts[at] === 'namespaces' && group === '' && parts.length > at + 1) {
    namespace = parts[at + 1] ?? '';
  }
  const resource = parts[at] ?? '';
  let name = parts[at + 1] ?? '';
  const subresource = parts[at + 2] ?? '';
  const tail = parts.slice(at + 3).join('/');
  if (name === '') {
    if (verb === 'get') verb = isTrue(query.get('watch')) ? 'watch' : 'list';
    else if (verb === 'delete') verb = 'deletecollection';
    if (verb === 'list' || verb === 'watch' || verb === 'deletecollection')
      name = nameInFieldSelector(query.get('fieldSelector'));
    return {
      resourceRequest: true,
      path,
      verb,
      group,
      version,
      namespace,
      resource,
      name,
      subresource,
      tail,
    };
  }
  if (verb === 'get' && subresource === '' && isTrue(query.get('watch'))) verb = 'watch';
  return { resourceRequest: true, path, verb, group, version, namespace, resource, name, subresource, tail };
}

/** `/api/v1/namespaces/x/status` and `/finalize` are subresources of the namespace, not resources in it. */
function isNamespaceSubresource(group: string, parts: readonly string[], at: number): boolean {
  const sub = parts[at + 2];
  return group === '' && parts.length === at + 3 && (sub === 'status' || sub === 'finalize');
}

/** Query booleans as Kubernetes reads them: present means true unless it says false or 0. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}

/** `metadata.name=x` alone narrows a list to one object, so it is authorized as one. */
function nameInFieldSelector(selector: string | null): string {
  if (selector === null) return '';
  for (const term of selector.split(',')) {
    const match = /^metadata\.name==?([^=!]+)$/.exec(term);
    if (match !== null) return match[1] ?? '';
  }
  return '';
}
