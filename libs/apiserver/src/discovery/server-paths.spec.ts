import { createScheme } from '#libs/apimachinery';
import { describe, expect, it } from 'vitest';
import type { ApiRequest, UnaryResponse } from '../request.js';
import { serverPaths } from './server-paths.js';

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
