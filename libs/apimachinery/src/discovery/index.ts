import type { Scheme } from '../types.js';
import { aggregatedDiscovery } from './aggregated.js';
import { apiGroup, coreVersions, groupList, resourceList } from './legacy.js';

/** What is served, as clients ask for it. Every document is made anew from the scheme: cache by the scheme's changes. */
export interface DiscoveryDocuments {
  aggregated(root: '/api' | '/apis', version: 'v2' | 'v2beta1'): object;
  coreVersions(): object;
  groupList(): object;
  group(group: string): object | undefined;
  resourceList(group: string, version: string): object | undefined;
}

/** Discovery of a scheme: `discoveryDocuments(scheme).resourceList('apps', 'v1')`. */
export function discoveryDocuments(scheme: Scheme): DiscoveryDocuments {
  return {
    aggregated: (root, version) => aggregatedDiscovery(scheme, root, version),
    coreVersions: () => coreVersions(scheme),
    groupList: () => groupList(scheme),
    group: (group) => apiGroup(scheme, group),
    resourceList: (group, version) => resourceList(scheme, group, version),
  };
}
