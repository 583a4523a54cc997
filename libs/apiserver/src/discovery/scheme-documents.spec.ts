import { createScheme } from '#libs/apimachinery';
import { describe, expect, it } from 'vitest';
import type { ApiRequest, UnaryResponse } from '../request.js';
import { schemeDocuments } from './scheme-documents.js';
import { serverPaths } from './server-paths.js';

const scheme = createScheme();
const documents = schemeDocuments(scheme);

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly [field: string]: unknown;
}
const resources = (group: string, version: string): readonly Resource[] =>
  (documents.resourceList(group, version) as { resources: Resource[] }).resources;

describe('discovery of the whole scheme', () => {
  it('lists resources as kubectl shows them', () => {
    const pods = resources('', 'v1').find(({ name }) => name === 'pods');
    expect(pods).toMatchObject({
      singularName: 'pod',
      namespaced: true,
      kind: 'Pod',
      shortNames: ['po'],
      categories: ['all'],
    });
    expect(pods!.verbs).toEqual(
      expect.arrayContaining([
        'create',
        'delete',
        'deletecollection',
        'get',
        'list',
        'patch',
        'update',
        'watch',
      ]),
    );
    const scale = resources('apps', 'v1').find(({ name }) => name === 'deployments/scale');
    expect(scale).toMatchObject({ group: 'autoscaling', version: 'v1', kind: 'Scale', singularName: '' });
    const status = resources('apps', 'v1').find(({ name }) => name === 'deployments/status');
    expect(status).toMatchObject({ kind: 'Deployment' });
    expect(status).not.toHaveProperty('group');
  });

  it('names groups with their preferred version, the core group apart', () => {
    const { groups } = documents.groupList() as {
      groups: { name: string; preferredVersion: { groupVersion: string } }[];
    };
    expect(groups.map(({ name }) => name)).not.toContain('');
    expect(groups.find(({ name }) => name === 'autoscaling')!.preferredVersion.groupVersion).toBe(
      'autoscaling/v2',
    );
    expect(documents.coreVersions()).toMatchObject({ versions: ['v1'] });
    expect(documents.group('')).toBeUndefined();
    expect(documents.group('nope')).toBeUndefined();
    expect(documents.resourceList('apps', 'v9')).toBeUndefined();
  });

  it('says the same aggregated as one by one', () => {
    interface Aggregated {
      items: {
        metadata: { name?: string };
        versions: {
          version: string;
          resources: { resource: string; subresources?: { subresource: string }[] }[];
        }[];
      }[];
    }
    for (const root of ['/api', '/apis'] as const) {
      const { items } = documents.aggregated(root, 'v2') as Aggregated;
      for (const { metadata, versions } of items) {
        for (const { version, resources: found } of versions) {
          const names = found.flatMap(({ resource, subresources = [] }) => [
            resource,
            ...subresources.map(({ subresource }) => `${resource}/${subresource}`),
          ]);
          expect(names).toEqual(resources(metadata.name ?? '', version).map(({ name }) => name));
        }
      }
    }
  });
});

describe('serverPaths', () => {
  it('follows kinds that come and go', async () => {
    const own = createScheme();
    const handlers = serverPaths({ scheme: own, productVersion: '0.1.0' });
    const ask = async (path: string): Promise<string | undefined> => {
      for (const handler of handlers) {
        const answer = (await handler({
          method: 'GET',
          path,
          query: new URLSearchParams(),
          headers: {},
        } as unknown as ApiRequest)) as UnaryResponse | undefined;
        if (answer !== undefined) return Buffer.concat(answer.chunks ?? []).toString();
      }
      return undefined;
    };
    expect(await ask('/apis/example.org')).toBeUndefined();
    const pods = own.byResource({ group: '', version: 'v1', resource: 'pods' })!;
    const widgets = { ...pods, group: 'example.org', resource: 'widgets', kind: 'Widget' };
    own.add(widgets);
    expect(await ask('/apis/example.org')).toContain('example.org/v1');
    expect(await ask('/')).toContain('"/apis/example.org/v1"');
    own.remove(widgets);
    expect(await ask('/apis/example.org')).toBeUndefined();
    expect(await ask('/')).not.toContain('example.org');
    expect(await ask('/version')).toContain('"minor":"36"');
  });
});
