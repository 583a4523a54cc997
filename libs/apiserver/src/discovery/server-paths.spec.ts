import { createScheme } from '#libs/apimachinery';
import { describe, expect, it } from 'vitest';
import type { ApiRequest, UnaryResponse } from '../request.js';
import { serverPaths } from './server-paths.js';

const get = (path: string, query = ''): ApiRequest =>
  ({ method: 'GET', path, query: new URLSearchParams(query), headers: {} }) as unknown as ApiRequest;

describe('serverPaths', () => {
  it('serves OpenAPI of every group version, each under the hash that the index names', async () => {
    const handlers = serverPaths({ scheme: createScheme(), productVersion: '0.1.0' });
    const ask = async (path: string, query = ''): Promise<UnaryResponse> => {
      for (const handler of handlers) {
        const answer = await handler(get(path, query));
        if (answer !== undefined) return answer as UnaryResponse;
      }
      throw new Error(`nobody answers ${path}`);
    };
    const text = (answer: UnaryResponse): string => Buffer.concat(answer.chunks ?? []).toString();
    const [index, again] = await Promise.all([ask('/openapi/v3'), ask('/openapi/v3')]);
    expect(index.headers['etag']).toBe(again.headers['etag']);
    const { paths } = JSON.parse(text(index)) as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/batch/v1']));
    const [path = '', query = ''] = paths['apis/apps/v1']!.serverRelativeURL.split('?');
    const document = await ask(path, query);
    expect(document.status).toBe(200);
    expect(text(document)).toContain('fieldValidation');
  });

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
