import type { ResourceDeclaration, Scheme, SubresourceDeclaration } from '../types.js';

/** Kubernetes calls it CONNECT; discovery shows the HTTP verbs that it comes by. */
const connectVerbs: Readonly<Record<string, readonly string[]>> = {
  proxy: ['create', 'delete', 'get', 'patch', 'update'],
};
const streamVerbs: readonly string[] = ['create', 'get'];

export function shownVerbs(verbs: readonly string[], subresource: string): readonly string[] {
  return verbs.includes('connect') ? (connectVerbs[subresource] ?? streamVerbs) : [...verbs].sort();
}

/** The resources of a group version by name, as every form of discovery lists them. */
export function resourcesOf(scheme: Scheme, group: string, version: string): readonly ResourceDeclaration[] {
  return scheme
    .resources()
    .filter((declaration) => declaration.group === group && declaration.version === version)
    .sort((a, b) => (a.resource < b.resource ? -1 : 1));
}

export function subresourcesOf(declaration: ResourceDeclaration): readonly SubresourceDeclaration[] {
  return [...declaration.subresources].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The kind's group and version where they are not those of the path. */
export function foreignKind(
  declaration: ResourceDeclaration,
  subresource: SubresourceDeclaration,
): { group: string; version: string } | undefined {
  const { group, version } = subresource;
  return group === declaration.group && version === declaration.version ? undefined : { group, version };
}

export function groupVersionText(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}
