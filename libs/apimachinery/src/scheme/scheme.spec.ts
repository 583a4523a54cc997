import { describe, expect, it } from 'vitest';
import { structureResources } from '../structure/schema.js';
import { createScheme } from './scheme.js';

describe('createScheme', () => {
  const scheme = createScheme();

  it('serves every resource of the structure, with its subresources', () => {
    for (const row of structureResources()) {
      const declaration = scheme.byResource(row);
      expect(declaration, `${row.group}/${row.version}/${row.resource}`).toBeDefined();
      if (row.subresource === undefined) expect(declaration!.verbs).toEqual(row.verbs);
      else expect(declaration!.subresources.map(({ name }) => name)).toContain(row.subresource);
    }
  });

  it('finds a resource by its kind', () => {
    expect(scheme.byKind({ group: 'apps', version: 'v1', kind: 'Deployment' })?.resource).toBe('deployments');
    expect(scheme.byKind({ group: '', version: 'v1', kind: 'Deployment' })).toBeUndefined();
  });

  it.each([
    ['', 'v1', 'pods', 'pod', ['po'], ['all']],
    ['', 'v1', 'endpoints', 'endpoints', ['ep'], []],
    ['apps', 'v1', 'deployments', 'deployment', ['deploy'], ['all']],
    ['batch', 'v1', 'jobs', 'job', [], ['all']],
    ['networking.k8s.io', 'v1', 'ingresses', 'ingress', ['ing'], []],
    [
      'apiextensions.k8s.io',
      'v1',
      'customresourcedefinitions',
      'customresourcedefinition',
      ['crd', 'crds'],
      ['api-extensions'],
    ],
  ])(
    'names %s/%s %s as kubectl api-resources does',
    (group, version, resource, singular, short, categories) => {
      const declaration = scheme.byResource({ group, version, resource })!;
      expect(declaration.singular).toBe(singular);
      expect(declaration.shortNames).toEqual(short);
      expect(declaration.categories).toEqual(categories);
    },
  );

  it('names the kind that a subresource takes', () => {
    const pods = scheme.byResource({ group: '', version: 'v1', resource: 'pods' })!;
    const eviction = pods.subresources.find(({ name }) => name === 'eviction')!;
    expect(eviction).toEqual({
      name: 'eviction',
      group: 'policy',
      version: 'v1',
      kind: 'Eviction',
      verbs: ['create'],
    });
  });

  it('orders versions with the most preferred first', () => {
    expect(scheme.versions('resource.k8s.io')).toEqual(['v1', 'v1beta2', 'v1beta1', 'v1alpha3']);
    expect(scheme.versions('autoscaling')).toEqual(['v2', 'v1']);
    expect(scheme.groups()[0]).toBe('');
  });

  it('stores both names of an event as one, and every served version of a resource in one', () => {
    const events = scheme.byResource({ group: 'events.k8s.io', version: 'v1', resource: 'events' })!;
    expect(events.storageVersion).toEqual({ group: '', version: 'v1' });
    expect(events.toStorage).toBeDefined();
    for (const declaration of scheme.resources()) {
      const { storageVersion, group, version, resource } = declaration;
      const stored = scheme.byResource({ ...storageVersion, resource })!;
      expect(stored.storageVersion).toEqual(storageVersion);
      expect(declaration.toStorage === undefined).toBe(
        storageVersion.group === group && storageVersion.version === version,
      );
    }
  });

  it('computes reviews instead of storing them', () => {
    const virtual = scheme.resources().filter(({ virtual }) => virtual);
    expect(virtual.map(({ resource }) => resource).sort()).toEqual([
      'bindings',
      'componentstatuses',
      'localsubjectaccessreviews',
      'selfsubjectaccessreviews',
      'selfsubjectreviews',
      'selfsubjectrulesreviews',
      'subjectaccessreviews',
      'tokenreviews',
    ]);
  });

  it('takes and drops declarations at run time without touching other schemes', () => {
    const mine = createScheme();
    const widgets = {
      ...scheme.byResource({ group: 'apps', version: 'v1', resource: 'deployments' })!,
      group: 'example.com',
      resource: 'widgets',
      kind: 'Widget',
    };
    mine.add(widgets);
    expect(mine.versions('example.com')).toEqual(['v1']);
    expect(scheme.versions('example.com')).toEqual([]);
    mine.remove(widgets);
    expect(mine.groups()).not.toContain('example.com');
    expect(mine.byKind({ group: 'example.com', version: 'v1', kind: 'Widget' })).toBeUndefined();
  });
});
