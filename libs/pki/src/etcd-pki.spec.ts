import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureClusterPki, ensureEtcdPki } from './index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pki-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe('ensureEtcdPki', () => {
  it('signs by an authority of its own, for loopback and the given hosts, and gives the same again', async () => {
    const options = { masters: ['m1', 'm2'], hosts: ['10.1.2.3', 'etcd.example'] };
    const [pki, again] = await Promise.all([
      ensureEtcdPki(directory, options),
      ensureEtcdPki(directory, options),
    ]);
    expect(again).toEqual(pki);
    const cluster = await ensureClusterPki(directory, { masters: ['m1', 'm2'] });
    const authority = new X509Certificate(pki.ca.certificate);
    const serving = new X509Certificate(pki.masters['m2']!.certificate);
    expect(serving.verify(authority.publicKey)).toBe(true);
    expect([
      serving.checkHost('etcd.example'),
      serving.checkIP('10.1.2.3'),
      serving.checkIP('127.0.0.1'),
    ]).toEqual(['etcd.example', '10.1.2.3', '127.0.0.1']);
    const client = new X509Certificate(pki.client.certificate);
    expect(client.verify(authority.publicKey)).toBe(true);
    expect(new X509Certificate(cluster.admin.certificate).verify(authority.publicKey)).toBe(false);
  });
});
