import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inClusterAccess } from './in-cluster.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-identity-'));
  writeFileSync(join(directory, 'token'), 'first\n');
  writeFileSync(join(directory, 'ca.crt'), 'PEM');
});
afterAll(() => rmSync(directory, { recursive: true }));

it('reaches the API as a pod does, with the token of the moment', () => {
  const access = inClusterAccess(
    { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' },
    directory,
  );
  expect(access.server).toBe('https://[fd00::1]:443');
  expect(String(access.ca)).toBe('PEM');
  const token = access.token as () => string;
  expect(token()).toBe('first');
  writeFileSync(join(directory, 'token'), 'second\n');
  expect(token()).toBe('second');
});

it('says what to do outside of a cluster', () => {
  expect(() => inClusterAccess({}, directory)).toThrow(/this is no pod with a service account/);
});
