import type { ResourceDeclaration, Scheme } from '../types.js';
import { foreignKind, resourcesOf, shownVerbs, subresourcesOf } from './resource-rows.js';

/**
 * apidiscovery.k8s.io APIGroupDiscoveryList (KEP-3352): the core group for `/api`, the others for `/apis`, in their order
 * of preference. A kind of the path's own group version is shown without them, as kube-apiserver shows it.
 */
export function aggregatedDiscovery(
  scheme: Scheme,
  root: '/api' | '/apis',
  version: 'v2' | 'v2beta1',
): object {
  const groups = scheme.groups().filter((group) => (group === '') === (root === '/api'));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === '' ? {} : { name: group },
      versions: scheme.versions(group).map((groupVersion) => ({
        version: groupVersion,
        resources: resourcesOf(scheme, group, groupVersion).map(resourceDiscovery),
        freshness: 'Current',
      })),
    })),
  };
}

function resourceDiscovery(declaration: ResourceDeclaration): object {
  const { resource, kind, namespaced, singular, verbs, shortNames, categories } = declaration;
  const subresources = subresourcesOf(declaration);
  return {
    resource,
    responseKind: { group: '', version: '', kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: shownVerbs(verbs, ''),
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: {
              group: '',
              version: '',
              ...foreignKind(declaration, subresource),
              kind: subresource.kind,
            },
            verbs: shownVerbs(subresource.verbs, subresource.name),
          })),
        }),
  };
}
