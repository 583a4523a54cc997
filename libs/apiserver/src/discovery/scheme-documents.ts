import type { ResourceDeclaration, Scheme, SubresourceDeclaration } from '#libs/apimachinery';
import type { DiscoveryDocuments } from './discovery-handler.js';

/** The discovery documents of a scheme: shapes of metav1 and apidiscovery.k8s.io (KEP-3352). */
export function schemeDocuments(scheme: Scheme): DiscoveryDocuments {
  return {
    aggregated: (root, version) => aggregated(scheme, root, version),
    coreVersions: () => ({
      kind: 'APIVersions',
      versions: scheme.versions(''),
      // Clients behind any network use the address that they already have.
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '' }],
    }),
    groupList: () => ({
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: namedGroups(scheme).map((group) => groupOf(scheme, group)),
    }),
    group: (group) =>
      group === '' || scheme.versions(group).length === 0
        ? undefined
        : { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(scheme, group) },
    resourceList: (group, version) => resourceList(scheme, group, version),
  };
}

const namedGroups = (scheme: Scheme): readonly string[] => scheme.groups().filter((group) => group !== '');

function groupOf(scheme: Scheme, group: string): object {
  const versions = scheme
    .versions(group)
    .map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function inVersion(scheme: Scheme, group: string, version: string): readonly ResourceDeclaration[] {
  return scheme
    .resources()
    .filter((declaration) => declaration.group === group && declaration.version === version)
    .sort((a, b) => (a.resource < b.resource ? -1 : 1));
}

const unlessEmpty = (name: string, values: readonly string[]): object =>
  values.length === 0 ? {} : { [name]: values };

function resourceList(scheme: Scheme, group: string, version: string): object | undefined {
  const declarations = inVersion(scheme, group, version);
  if (declarations.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: declarations.flatMap((declaration) => [
      {
        name: declaration.resource,
        singularName: declaration.singular,
        namespaced: declaration.namespaced,
        kind: declaration.kind,
        verbs: declaration.verbs,
        ...unlessEmpty('shortNames', declaration.shortNames),
        ...unlessEmpty('categories', declaration.categories),
      },
      ...declaration.subresources.map((subresource) => plainSubresource(declaration, subresource)),
    ]),
  };
}

function plainSubresource(parent: ResourceDeclaration, subresource: SubresourceDeclaration): object {
  const { name, group, version, kind, verbs } = subresource;
  // Only a kind of another group version is qualified.
  const elsewhere = group !== parent.group || version !== parent.version;
  return {
    name: `${parent.resource}/${name}`,
    singularName: '',
    namespaced: parent.namespaced,
    ...(elsewhere ? { group, version } : {}),
    kind,
    verbs,
  };
}

function aggregated(scheme: Scheme, root: '/api' | '/apis', version: 'v2' | 'v2beta1'): object {
  const groups = root === '/api' ? [''] : namedGroups(scheme);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
      versions: scheme.versions(group).map((each) => ({
        version: each,
        resources: inVersion(scheme, group, each).map(aggregatedResource),
        freshness: 'Current',
      })),
    })),
  };
}

function aggregatedResource(declaration: ResourceDeclaration): object {
  const { group, version, kind, subresources } = declaration;
  return {
    resource: declaration.resource,
    responseKind: { group, version, kind },
    scope: declaration.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: declaration.singular,
    verbs: declaration.verbs,
    ...unlessEmpty('shortNames', declaration.shortNames),
    ...unlessEmpty('categories', declaration.categories),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: { group: subresource.group, version: subresource.version, kind: subresource.kind },
            verbs: subresource.verbs,
          })),
        }),
  };
}
