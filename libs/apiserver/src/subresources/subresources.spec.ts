import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '#libs/apimachinery';
import { TestServer } from '../testing/test-server.js';

let api: TestServer;
beforeEach(async () => {
  api = new TestServer();
  await api.namespace('default');
  await api.create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterEach(async () => {
  expect(api.faults).toEqual([]);
  await api.close();
});

const pods = '/api/v1/namespaces/default/pods';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const podSpec = { containers: [{ name: 'c', image: 'i' }] };
const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
const makePod = (name: string, spec: object = {}) =>
  api.create(pods, { metadata: { name, labels: { app: 'web' } }, spec: { ...podSpec, ...spec } });
const get = async <T = KubernetesObject>(url: string) => (await api.json<T>('GET', url)).body;

describe('status', () => {
  it('changes status and nothing else; the object changes everything else', async () => {
    const pod = await makePod('p');
    const changed = {
      ...pod,
      status: { phase: 'Running' },
      spec: { containers: [{ name: 'c', image: 'evil' }] },
    };
    const answer = await api.json('PUT', `${pods}/p/status`, changed);
    expect(answer.body).toMatchObject({
      status: { phase: 'Running' },
      spec: { containers: [{ image: 'i' }] },
    });
    const patched = await api.json('PATCH', `${pods}/p`, { status: { phase: 'Failed' } }, merge);
    expect(patched.body).toMatchObject({ status: { phase: 'Running' } });
    expect(await api.fails('PUT', `${pods}/p/status`, pod)).toMatchObject({ code: 409 });
  });
});

describe('scale', () => {
  beforeEach(async () => {
    const template = { metadata: { labels: { app: 'd' } }, spec: podSpec };
    const spec = { replicas: 2, selector: { matchLabels: { app: 'd' } }, template };
    await api.create(deployments, { metadata: { name: 'd' }, spec });
  });

  it('shows replicas and selector, and sets replicas', async () => {
    const scale = await get(`${deployments}/d/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'd', namespace: 'default' },
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'app=d' },
    });
    const set = await api.json('PUT', `${deployments}/d/scale`, { ...scale, spec: { replicas: 5 } });
    expect(set.body).toMatchObject({ kind: 'Scale', spec: { replicas: 5 } });
    expect(await get(`${deployments}/d`)).toMatchObject({
      spec: { replicas: 5 },
      metadata: { generation: 2 },
    });
    expect(
      await api.fails('PUT', `${deployments}/d/scale`, { ...scale, spec: { replicas: 6 } }),
    ).toMatchObject({ code: 409 });
    const patched = await api.json('PATCH', `${deployments}/d/scale`, { spec: { replicas: 0 } }, merge);
    expect(patched.body).toMatchObject({ kind: 'Scale', spec: {} });
    expect(
      await api.fails('PATCH', `${deployments}/d/scale`, { spec: { replicas: -1 } }, merge),
    ).toMatchObject({ code: 422 });
  });
});

describe('binding', () => {
  const bind = (node: string) => ({
    metadata: { name: 'p' },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  });

  it('puts a pod on a node once', async () => {
    await makePod('p');
    const answer = await api.json('POST', `${pods}/p/binding`, bind('n1'));
    expect(answer).toMatchObject({ status: 201, body: { kind: 'Status', status: 'Success' } });
    expect(await get(`${pods}/p`)).toMatchObject({
      spec: { nodeName: 'n1' },
      status: {
        conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-02T03:04:05Z' }],
      },
    });
    const again = await api.fails('POST', `${pods}/p/binding`, bind('n2'));
    expect(again).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(again.message).toContain('pod p is already assigned to node "n1"');
  });

  it('by several schedulers at once succeeds for one', async () => {
    await makePod('p');
    const answers = await Promise.all(
      ['n1', 'n2', 'n3'].map((node) => api.json('POST', `${pods}/p/binding`, bind(node))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  it('of a pod that is going, gated, or without a target is refused', async () => {
    await makePod('p', { schedulingGates: [{ name: 'example.com/wait' }] });
    expect(await api.fails('POST', `${pods}/p/binding`, bind('n1'))).toMatchObject({ code: 409 });
    expect(await api.fails('POST', `${pods}/p/binding`, { metadata: { name: 'p' } })).toMatchObject({
      code: 400,
    });
    expect(await api.fails('POST', `${pods}/none/binding`, { ...bind('n'), metadata: {} })).toMatchObject({
      code: 404,
    });
  });
});

describe('eviction', () => {
  const evict = (name: string) => ({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });
  const running = async (name: string) => {
    const pod = await makePod(name, { nodeName: 'n' });
    const conditions = [{ type: 'Ready', status: 'True' }];
    await api.json('PUT', `${pods}/${name}/status`, { ...pod, status: { phase: 'Running', conditions } });
  };

  it('deletes a pod that no budget covers', async () => {
    await running('p');
    const answer = await api.json('POST', `${pods}/p/eviction`, evict('p'));
    expect(answer).toMatchObject({ status: 201, body: { status: 'Success' } });
    const pod = await get<KubernetesObject & { status: { conditions: object[] } }>(`${pods}/p`);
    expect(pod.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(pod.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }),
    );
  });

  it('charges the budget and is refused with 429 when nothing is left', async () => {
    for (const name of ['p1', 'p2']) await running(name);
    const selector = { matchLabels: { app: 'web' } };
    const budget = await api.create(budgets, {
      metadata: { name: 'b' },
      spec: { minAvailable: 1, selector },
    });
    const status = {
      disruptionsAllowed: 1,
      currentHealthy: 2,
      desiredHealthy: 1,
      expectedPods: 2,
      observedGeneration: 1,
    };
    await api.json('PUT', `${budgets}/b/status`, { ...budget, status });
    expect((await api.json('POST', `${pods}/p1/eviction`, evict('p1'))).status).toBe(201);
    expect(await get(`${budgets}/b`)).toMatchObject({
      status: { disruptionsAllowed: 0, disruptedPods: { p1: '2026-01-02T03:04:05Z' } },
    });
    expect(await api.fails('POST', `${pods}/p2/eviction`, evict('p2'))).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget' }] },
    });
  });
});

describe('others', () => {
  it('namespaces/finalize removes the namespace with its last finalizer', async () => {
    await api.namespace('gone');
    const deleted = await api.json('DELETE', '/api/v1/namespaces/gone');
    expect(deleted.body).toMatchObject({ status: { phase: 'Terminating' } });
    const inside = await api.fails('POST', '/api/v1/namespaces/gone/configmaps', { metadata: { name: 'a' } });
    expect(inside).toMatchObject({ code: 403, details: { causes: [{ reason: 'NamespaceTerminating' }] } });
    const namespace = await get('/api/v1/namespaces/gone');
    await api.json('PUT', '/api/v1/namespaces/gone/finalize', { ...namespace, spec: { finalizers: [] } });
    expect(await api.fails('GET', '/api/v1/namespaces/gone')).toMatchObject({ code: 404 });
  });

  it('approval sets conditions of a signing request', async () => {
    const url = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const spec = {
      request: 'LS0tLQ==',
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
    };
    const answer = await api.json('POST', url, { metadata: { name: 'c' }, spec });
    expect(answer.status).toBe(201);
    const conditions = [{ type: 'Approved', status: 'True', reason: 'Test' }];
    const approved = await api.json('PUT', `${url}/c/approval`, { ...answer.body, status: { conditions } });
    expect(approved.body).toMatchObject({ status: { conditions: [{ type: 'Approved' }] } });
  });

  it('ephemeralcontainers adds to a running pod', async () => {
    await makePod('p');
    const patch = { spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } };
    const answer = await api.json('PATCH', `${pods}/p/ephemeralcontainers`, patch, {
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    });
    expect(answer.body).toMatchObject({ spec: { ephemeralContainers: [{ name: 'debug' }] } });
  });

  it('resize changes resources alone', async () => {
    await makePod('p', { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } }] });
    const patch = {
      spec: { containers: [{ name: 'c', image: 'other', resources: { requests: { cpu: '200m' } } }] },
    };
    const answer = await api.json('PATCH', `${pods}/p/resize`, patch, {
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    });
    expect(answer.body).toMatchObject({
      spec: { containers: [{ image: 'i', resources: { requests: { cpu: '200m' } } }] },
    });
  });
});
