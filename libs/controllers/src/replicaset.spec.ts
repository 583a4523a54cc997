import { afterEach, describe, expect, it } from 'vitest';
import { ApiError } from '#libs/apimachinery';
import type { Pod, ReplicaSet } from '#libs/client';
import { createReplicaSetController } from './replicaset.js';
import { createReplicationControllerController } from './replicationcontroller.js';
import {
  createHarness,
  makeReady,
  object,
  settle,
  setPod,
  template,
  until,
  type Harness,
} from './testing/harness.js';

const replicaSet = (name: string, replicas: number, spec: Record<string, unknown> = {}) =>
  object('apps/v1', 'ReplicaSet', name, {
    spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name), ...spec },
  });

describe('replicaset', () => {
  let harness: Harness;
  const set = (name = 'web') => harness.api.get<ReplicaSet>('replicasets', 'default', name);
  const pods = () => harness.api.list<Pod>('pods');
  const start = async (...objects: ReturnType<typeof object>[]) => {
    harness = createHarness();
    for (const each of objects) harness.api.put(each.kind === 'Pod' ? 'pods' : 'replicasets', each);
    await harness.run(createReplicaSetController(harness.context));
  };
  afterEach(() => harness.stop());

  it('makes the pods that are missing, owned and named by it, and counts them in its status', async () => {
    await start(replicaSet('web', 3));
    await until(() => pods().length === 3);
    expect(pods()[0]?.metadata).toMatchObject({
      generateName: 'web-',
      labels: { app: 'web' },
      ownerReferences: [
        {
          kind: 'ReplicaSet',
          name: 'web',
          uid: set()?.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    });
    makeReady(harness.api, harness.clock);
    await until(() => set()?.status?.readyReplicas === 3);
    expect(set()?.status).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      observedGeneration: 1,
    });
    expect(
      harness.events.filter((event) => event.startsWith('SuccessfulCreate Created pod: web-')),
    ).toHaveLength(3);
    expect(harness.errors).toEqual([]);
  });

  it('never makes a pod too many, however large it is', async () => {
    await start(replicaSet('web', 1_200));
    await until(() => pods().length >= 1_200);
    await settle(harness.api);
    expect(pods()).toHaveLength(1_200);
  });

  it('replaces a pod that ended or was deleted', async () => {
    await start(replicaSet('web', 2));
    await until(() => pods().length === 2);
    const [first, second] = pods();
    harness.api.remove('pods', 'default', first?.metadata.name ?? '');
    await until(() => pods().length === 2);
    if (second !== undefined) setPod(harness.api, second, 'Failed', { clock: harness.clock });
    await until(() => pods().length === 3);
    await until(() => set()?.status?.replicas === 2);
  });

  it('deletes those first that serve least: unbound, not ready, youngest', async () => {
    await start(replicaSet('web', 4));
    await until(() => pods().length === 4);
    const names = pods().map((pod) => pod.metadata.name ?? '');
    const bind = (name: string) =>
      harness.api.change('pods', 'default', name, (pod) => void ((pod as Pod).spec.nodeName = 'n1'));
    for (const name of names.slice(1)) bind(name);
    makeReady(harness.api, harness.clock, (pod) => pod.metadata.name !== names[2]);
    await until(() => set()?.status?.readyReplicas === 3);
    harness.api.change(
      'replicasets',
      'default',
      'web',
      (each) => void ((each as ReplicaSet).spec.replicas = 2),
    );
    await until(() => pods().length === 2);
    expect(pods().map((pod) => pod.metadata.name)).toEqual([names[1], names[3]]);
  });

  it('adopts what matches and nobody owns, and releases what no longer matches', async () => {
    await start(
      object('v1', 'Pod', 'stray', { metadata: { labels: { app: 'web' } }, spec: { containers: [] } }),
      replicaSet('web', 1),
    );
    await until(() => pods()[0]?.metadata.ownerReferences?.[0]?.name === 'web');
    expect(pods()).toHaveLength(1);
    harness.api.change('pods', 'default', 'stray', (pod) => void (pod.metadata.labels = { app: 'other' }));
    await until(() => pods().length === 2);
    expect(harness.api.get('pods', 'default', 'stray')?.metadata.ownerReferences).toEqual([]);
  });

  it('stops at the first failing batch, reports ReplicaFailure, and clears it once creation works', async () => {
    harness = createHarness();
    harness.api.put('replicasets', replicaSet('web', 100));
    const quota = new ApiError(403, 'Forbidden', 'exceeded quota');
    harness.api.refuse = (request) =>
      request.method === 'POST' && request.path.endsWith('/pods') && harness.api.list('pods').length >= 3
        ? quota
        : undefined;
    await harness.run(createReplicaSetController(harness.context));
    await until(() => set()?.status?.conditions?.[0]?.type === 'ReplicaFailure');
    expect(set()?.status?.conditions?.[0]).toMatchObject({
      status: 'True',
      reason: 'FailedCreate',
      message: 'exceeded quota',
    });
    const attempts = harness.api.requests.filter(
      (request) => request.method === 'POST' && request.path.endsWith('/pods'),
    );
    expect(attempts.length).toBeLessThan(10);
    harness.api.refuse = undefined;
    await until(() => {
      harness.clock.advance(10);
      return pods().length === 100 && set()?.status?.conditions === undefined;
    });
  });

  it('counts a pod as available only after minReadySeconds', async () => {
    await start(replicaSet('web', 1, { minReadySeconds: 30 }));
    await until(() => pods().length === 1);
    makeReady(harness.api, harness.clock);
    await until(() => set()?.status?.readyReplicas === 1);
    expect(set()?.status?.availableReplicas).toBeUndefined();
    await settle(harness.api);
    harness.clock.advance(30_000);
    await until(() => set()?.status?.availableReplicas === 1);
  });

  it('leaves pods alone while it is being deleted', async () => {
    await start({
      ...replicaSet('web', 1),
      metadata: {
        name: 'web',
        namespace: 'default',
        deletionTimestamp: '2026-01-01T00:00:00Z',
        finalizers: ['x'],
      },
    });
    await settle(harness.api);
    expect(pods()).toHaveLength(0);
  });
});

describe('replicationcontroller', () => {
  it('selects by plain labels and keeps the number of pods', async () => {
    const harness = createHarness();
    harness.api.put(
      'replicationcontrollers',
      object('v1', 'ReplicationController', 'rc', {
        spec: { replicas: 2, selector: { app: 'rc' }, template: template('rc') },
      }),
    );
    await harness.run(createReplicationControllerController(harness.context));
    await until(() => harness.api.list('pods').length === 2);
    makeReady(harness.api, harness.clock);
    await until(
      () =>
        harness.api.get<ReplicaSet>('replicationcontrollers', 'default', 'rc')?.status?.availableReplicas ===
        2,
    );
    await harness.stop();
  });
});
