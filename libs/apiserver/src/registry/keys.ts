import type { ResourceDeclaration } from '#libs/apimachinery';

/** `/registry/<group or core>/<resource>/`: every object of a resource, whatever version it is served in. */
export function resourcePrefix(declaration: ResourceDeclaration): string {
  let prefix = prefixes.get(declaration);
  if (prefix === undefined) {
    prefix = prefixOf(declaration.storageVersion.group, declaration.resource);
    prefixes.set(declaration, prefix);
  }
  return prefix;
}

const prefixes = new WeakMap<ResourceDeclaration, string>();

export function prefixOf(group: string, resource: string): string {
  return `/registry/${group === '' ? 'core' : group}/${resource}/`;
}

/** Key of one object; `namespace` is ignored for cluster-scoped kinds. */
export function objectKey(declaration: ResourceDeclaration, namespace: string, name: string): string {
  const prefix = resourcePrefix(declaration);
  return declaration.namespaced ? `${prefix}${namespace}/${name}` : prefix + name;
}

/** Where a list of a namespace, or of all of them when it is empty, starts. */
export function listPrefix(declaration: ResourceDeclaration, namespace: string): string {
  const prefix = resourcePrefix(declaration);
  return declaration.namespaced && namespace !== '' ? `${prefix}${namespace}/` : prefix;
}

/** First key after all that start with `prefix`, which must not be empty. */
export function prefixEnd(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
