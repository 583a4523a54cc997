import type { ResourceDeclaration, Scheme } from '../types.js';
import { foreignKind, groupVersionText, resourcesOf, shownVerbs, subresourcesOf } from './resource-rows.js';

/** metav1.APIVersions. Which address serves which client is the balancer's business, not this replica's. */
export function coreVersions(scheme: Scheme): object {
  return { kind: 'APIVersions', versions: scheme.versions(''), serverAddressByClientCIDRs: [] };
}

/** metav1.APIGroupList, without the core group. */
export function groupList(scheme: Scheme): object {
  const groups = scheme.groups().filter((group) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((group) => groupBody(scheme, group)) };
}

/** metav1.APIGroup; undefined where the group is not served. */
export function apiGroup(scheme: Scheme, group: string): object | undefined {
  if (group === '' || scheme.versions(group).length === 0) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(scheme, group) };
}

function groupBody(scheme: Scheme, group: string): object {
  const versions = scheme
    .versions(group)
    .map((version) => ({ groupVersion: groupVersionText(group, version), version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

/** metav1.APIResourceList; undefined where the group version is not served. */
export function resourceList(scheme: Scheme, group: string, version: string): object | undefined {
  if (!scheme.versions(group).includes(version)) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersionText(group, version),
    resources: resourcesOf(scheme, group, version).flatMap(resourceRows),
  };
}

function resourceRows(declaration: ResourceDeclaration): object[] {
  const { resource, kind, namespaced, singular, verbs, shortNames, categories } = declaration;
  const row = {
    name: resource,
    singularName: singular,
    namespaced,
    kind,
    verbs: shownVerbs(verbs, ''),
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
  const below = subresourcesOf(declaration).map((subresource) => ({
    name: `${resource}/${subresource.name}`,
    singularName: '',
    namespaced,
    ...foreignKind(declaration, subresource),
    kind: subresource.kind,
    verbs: shownVerbs(subresource.verbs, subresource.name),
  }));
  return [row, ...below];
}
