import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '#libs/apimachinery';
import { TestServer } from '../testing/test-server.js';
import { formatIpv4, parseIpv4, parseIpv4Range } from './ipv4-range.js';

let api: TestServer;
beforeEach(async () => {
  api = new TestServer();
  await api.namespace('default');
});
afterEach(async () => {
  expect(api.faults).toEqual([]);
  await api.close();
});

const pods = '/api/v1/namespaces/default/pods';
const services = '/api/v1/namespaces/default/services';
const accounts = '/api/v1/namespaces/default/serviceaccounts';
const priorityClasses = '/apis/scheduling.k8s.io/v1/priorityclasses';
const pod = (spec: object = {}) => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const merge = { headers: { 'content-type': 'application/merge-patch+json' } };

interface Pod extends KubernetesObject {
  spec: {
    volumes?: { name: string }[];
    containers: { volumeMounts?: { name: string; mountPath: string }[] }[];
    tolerations?: { key: string }[];
    priority?: number;
    serviceAccountName?: string;
  };
}

interface Service extends KubernetesObject {
  spec: {
    type: string;
    clusterIP: string;
    clusterIPs: string[];
    ports: { port: number; nodePort?: number }[];
  };
}

describe('NamespaceLifecycle', () => {
  it('refuses what has no namespace to be in, and the deletion of those that must stay', async () => {
    const status = await api.fails('POST', '/api/v1/namespaces/none/configmaps', { metadata: { name: 'a' } });
    expect(status).toMatchObject({ code: 404, message: 'namespaces "none" not found' });
    expect(await api.fails('DELETE', '/api/v1/namespaces/default')).toMatchObject({ code: 403 });
  });
});

describe('ServiceAccount', () => {
  it('waits a moment for the default account of a new namespace, then refuses', async () => {
    const made = api.json('POST', pods, pod());
    await expect.poll(() => api.clock.pending).toBeGreaterThan(0);
    await api.create(accounts, { metadata: { name: 'default' } });
    api.clock.advance(50);
    expect((await made).status).toBe(201);
    const status = await api.fails('POST', pods, pod({ serviceAccountName: 'other' }));
    expect(status).toMatchObject({
      code: 403,
      message:
        'pods "p" is forbidden: error looking up service account default/other: serviceaccount "other" not found',
    });
  });

  it('mounts a projected token unless the account or the pod declines', async () => {
    await api.create(accounts, { metadata: { name: 'default' } });
    await api.create(accounts, { metadata: { name: 'shy' }, automountServiceAccountToken: false });
    const created = await api.create<Pod>(pods, pod());
    expect(created.spec.serviceAccountName).toBe('default');
    const [volume] = created.spec.volumes ?? [];
    expect(volume!.name).toMatch(/^kube-api-access-/);
    expect(created.spec.containers[0]!.volumeMounts).toEqual([
      { name: volume!.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ]);
    const shy = await api.create<Pod>(pods, {
      ...pod({ serviceAccountName: 'shy' }),
      metadata: { name: 'q' },
    });
    expect(shy.spec.volumes).toBeUndefined();
  });
});

describe('Priority', () => {
  beforeEach(() => api.create(accounts, { metadata: { name: 'default' } }));

  it('resolves the class, the global default, and refuses what contradicts them', async () => {
    expect((await api.create<Pod>(pods, pod())).spec.priority).toBe(0);
    await api.create(priorityClasses, { metadata: { name: 'usual' }, value: 7, globalDefault: true });
    await api.create(priorityClasses, { metadata: { name: 'high' }, value: 100 });
    const named = (name: string, spec: object) => ({ ...pod(spec), metadata: { name } });
    expect((await api.create<Pod>(pods, named('a', {}))).spec.priority).toBe(7);
    expect((await api.create<Pod>(pods, named('b', { priorityClassName: 'high' }))).spec.priority).toBe(100);
    const system = await api.create<Pod>(pods, named('c', { priorityClassName: 'system-node-critical' }));
    expect(system.spec.priority).toBe(2_000_001_000);
    expect(await api.fails('POST', pods, named('d', { priorityClassName: 'none' }))).toMatchObject({
      code: 403,
    });
    expect(await api.fails('POST', pods, named('e', { priority: 5 }))).toMatchObject({ code: 403 });
  });
});

describe('DefaultTolerationSeconds', () => {
  it('adds what the pod does not say itself', async () => {
    await api.create(accounts, { metadata: { name: 'default' } });
    const tolerations = [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }];
    const created = await api.create<Pod>(pods, pod({ tolerations }));
    expect(created.spec.tolerations).toEqual([
      ...tolerations,
      {
        key: 'node.kubernetes.io/unreachable',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      },
    ]);
  });
});

describe('service addresses', () => {
  const service = (name: string, spec: object = {}) => ({
    metadata: { name },
    spec: { ports: [{ port: 80 }], ...spec },
  });

  it('are unique, kept by updates and freed by deletion', async () => {
    const created = await Promise.all(
      Array.from({ length: 20 }, (_, at) => api.create<Service>(services, service(`s${at}`))),
    );
    const addresses = created.map(({ spec }) => spec.clusterIP);
    expect(new Set(addresses).size).toBe(20);
    const [first] = created;
    expect(first!.spec).toMatchObject({
      clusterIPs: [first!.spec.clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    });
    const updated = await api.json<Service>(
      'PUT',
      `${services}/s0`,
      service('s0', { ports: [{ port: 81 }] }),
    );
    expect(updated.body.spec.clusterIP).toBe(first!.spec.clusterIP);
    const key = `/apis/networking.k8s.io/v1/ipaddresses/${first!.spec.clusterIP}`;
    expect((await api.json('GET', key)).body).toMatchObject({
      spec: { parentRef: { resource: 'services', name: 's0' } },
    });
    await api.json('DELETE', `${services}/s0`);
    expect(await api.fails('GET', key)).toMatchObject({ code: 404 });
  });

  it('that are asked for are given once', async () => {
    const clusterIP = '10.96.0.10';
    expect((await api.create<Service>(services, service('dns', { clusterIP }))).spec.clusterIP).toBe(
      clusterIP,
    );
    const taken = await api.fails('POST', services, service('other', { clusterIP }));
    expect(taken).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(taken.message).toContain('provided IP is already allocated');
    const outside = await api.fails('POST', services, service('far', { clusterIP: '192.168.1.1' }));
    expect(outside.message).toContain('does not match the current range');
  });

  it('node ports come and go with the type', async () => {
    const created = await api.create<Service>(services, service('s', { type: 'NodePort' }));
    const { nodePort } = created.spec.ports[0]!;
    expect(nodePort).toBeGreaterThanOrEqual(30_000);
    const taken = await api.fails(
      'POST',
      services,
      service('t', { type: 'NodePort', ports: [{ port: 80, nodePort }] }),
    );
    expect(taken.message).toContain('provided port is already allocated');
    await api.json('PATCH', `${services}/s`, { spec: { type: 'ClusterIP', ports: [{ port: 80 }] } }, merge);
    expect(
      (
        await api.create<Service>(
          services,
          service('t', { type: 'NodePort', ports: [{ port: 80, nodePort }] }),
        )
      ).spec.ports[0]!.nodePort,
    ).toBe(nodePort);
  });

  it('are not for headless and external services', async () => {
    expect(
      (await api.create<Service>(services, service('h', { clusterIP: 'None' }))).spec.clusterIPs,
    ).toEqual(['None']);
    const external = await api.create<Service>(services, {
      metadata: { name: 'e' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    });
    expect(external.spec.clusterIP).toBeUndefined();
  });

  it('are read and written', () => {
    expect(formatIpv4(parseIpv4('10.96.255.1')!)).toBe('10.96.255.1');
    expect(parseIpv4('10.96.0.256')).toBeUndefined();
    expect(parseIpv4('10.096.0.1')).toBeUndefined();
    expect(parseIpv4Range('10.96.0.0/16')).toEqual({ first: parseIpv4('10.96.0.1'), size: 65_534 });
    expect(() => parseIpv4Range('10.96.0.0')).toThrow(RangeError);
  });
});
