import { describe, expect, it } from 'vitest';
import { createScheme } from '../scheme/index.js';
import { discoveryDocuments } from './index.js';

const documents = discoveryDocuments(createScheme());
const all = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Rows as kube-apiserver 1.36 serves them. */
describe('discovery', () => {
  it('lists the resources of a group version with their subresources', () => {
    const { resources, ...head } = documents.resourceList('apps', 'v1') as { resources: { name: string }[] };
    expect(head).toEqual({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'apps/v1' });
    expect(resources.filter(({ name }) => name.startsWith('deployments'))).toEqual([
      {
        name: 'deployments',
        singularName: 'deployment',
        namespaced: true,
        kind: 'Deployment',
        verbs: all,
        shortNames: ['deploy'],
        categories: ['all'],
      },
      {
        name: 'deployments/scale',
        singularName: '',
        namespaced: true,
        group: 'autoscaling',
        version: 'v1',
        kind: 'Scale',
        verbs: ['get', 'patch', 'update'],
      },
      {
        name: 'deployments/status',
        singularName: '',
        namespaced: true,
        kind: 'Deployment',
        verbs: ['get', 'patch', 'update'],
      },
    ]);
    const core = documents.resourceList('', 'v1') as { resources: { name: string; verbs: string[] }[] };
    expect(core.resources.find(({ name }) => name === 'pods/exec')?.verbs).toEqual(['create', 'get']);
    expect(core.resources.find(({ name }) => name === 'nodes/proxy')?.verbs).toHaveLength(5);
  });

  it('answers nothing for what is not served', () => {
    expect(documents.resourceList('apps', 'v9')).toBeUndefined();
    expect(documents.group('none')).toBeUndefined();
    expect(documents.group('')).toBeUndefined();
  });

  it('lists groups in their order, versions by preference, the core apart', () => {
    expect(documents.coreVersions()).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const { groups } = documents.groupList() as { groups: { name: string }[] };
    expect(groups.slice(0, 3).map(({ name }) => name)).toEqual([
      'apiregistration.k8s.io',
      'apps',
      'events.k8s.io',
    ]);
    expect(documents.group('autoscaling')).toMatchObject({
      kind: 'APIGroup',
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    });
  });

  it('says all of it at once in the aggregated form', () => {
    const core = documents.aggregated('/api', 'v2') as {
      apiVersion: string;
      items: { metadata: object; versions: { freshness: string; resources: { resource: string }[] }[] }[];
    };
    expect(core.apiVersion).toBe('apidiscovery.k8s.io/v2');
    expect(core.items).toHaveLength(1);
    const pods = core.items[0]?.versions[0]?.resources.find(({ resource }) => resource === 'pods');
    expect(pods).toMatchObject({
      responseKind: { group: '', version: '', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      verbs: all,
      shortNames: ['po'],
      categories: ['all'],
    });
    expect(pods).toMatchObject({
      subresources: expect.arrayContaining([
        {
          subresource: 'eviction',
          responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
          verbs: ['create'],
        },
      ]) as unknown,
    });
    const { items } = documents.aggregated('/apis', 'v2beta1') as { items: { metadata: { name: string } }[] };
    expect(items[0]?.metadata.name).toBe('apiregistration.k8s.io');
  });

  it('shows a custom resource as soon as the scheme has it', () => {
    const scheme = createScheme();
    const pods = scheme.byResource({ group: '', version: 'v1', resource: 'pods' })!;
    scheme.add({
      ...pods,
      group: 'example.com',
      version: 'v1beta1',
      resource: 'widgets',
      kind: 'Widget',
      subresources: [],
    });
    expect(discoveryDocuments(scheme).group('example.com')).toMatchObject({
      versions: [{ groupVersion: 'example.com/v1beta1', version: 'v1beta1' }],
    });
  });
});
