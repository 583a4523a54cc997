import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControllerRevision, Pod, StatefulSet } from '#libs/client';
import {
  createHarness,
  makeReady,
  object,
  settle,
  setPod,
  template,
  until,
  type Harness,
} from '../testing/harness.js';
import { createStatefulSetController } from './statefulset.js';

const setOf = (spec: Record<string, unknown> = {}) =>
  object('apps/v1', 'StatefulSet', 'db', {
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: template('db'),
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      ...spec,
    },
  });

describe('statefulset', () => {
  let harness: Harness;
  const set = () => harness.api.get<StatefulSet>('statefulsets', 'default', 'db');
  const pods = () => harness.api.list<Pod>('pods');
  const names = () =>
    pods()
      .map((pod) => pod.metadata.name)
      .toSorted();
  const imageOf = (name: string) => harness.api.get<Pod>('pods', 'default', name)?.spec.containers[0]?.image;
  const revisions = () => harness.api.list<ControllerRevision>('controllerrevisions');
  const edit = (change: (spec: StatefulSet['spec']) => void) =>
    harness.api.change('statefulsets', 'default', 'db', (each) => change((each as StatefulSet).spec));
  const setImage = (image: string) =>
    edit((spec) => {
      const [container] = spec.template.spec.containers;
      if (container !== undefined) container.image = image;
    });
  const start = async (spec: Record<string, unknown> = {}) => {
    harness.api.put('statefulsets', setOf(spec));
    await harness.run(createStatefulSetController(harness.context));
  };
  const isDone = () =>
    set()?.status?.readyReplicas === set()?.spec.replicas &&
    set()?.status?.currentRevision === set()?.status?.updateRevision &&
    set()?.status?.observedGeneration === set()?.metadata.generation;
  const roll = async (watch: () => void = () => undefined) => {
    await until(() => {
      watch();
      makeReady(harness.api, harness.clock);
      return isDone();
    });
    await settle(harness.api);
  };
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it('makes pods in order, each only when the one before is ready', async () => {
    await start();
    for (const count of [1, 2, 3]) {
      await until(() => pods().length === count);
      await settle(harness.api);
      expect(names()).toEqual(['db-0', 'db-1', 'db-2'].slice(0, count));
      makeReady(harness.api, harness.clock);
    }
    await until(isDone);
    const pod = harness.api.get<Pod>('pods', 'default', 'db-1');
    expect(pod?.spec).toMatchObject({ hostname: 'db-1', subdomain: 'db' });
    expect(pod?.metadata.labels).toMatchObject({
      app: 'db',
      'statefulset.kubernetes.io/pod-name': 'db-1',
      'apps.kubernetes.io/pod-index': '1',
      'controller-revision-hash': set()?.status?.updateRevision,
    });
    expect(set()?.status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
    });
  });

  it('makes all at once where pods are managed in parallel', async () => {
    await start({ podManagementPolicy: 'Parallel', replicas: 5 });
    await until(() => pods().length === 5);
  });

  it('starts from spec.ordinals.start', async () => {
    await start({ ordinals: { start: 4 }, replicas: 2 });
    await roll();
    expect(names()).toEqual(['db-4', 'db-5']);
  });

  it('takes pods away from the top, one after the other', async () => {
    harness.api.graceful.add('pods');
    await start();
    await roll();
    edit((spec) => (spec.replicas = 1));
    await until(() => harness.api.get('pods', 'default', 'db-2')?.metadata.deletionTimestamp !== undefined);
    await settle(harness.api);
    expect(harness.api.get('pods', 'default', 'db-1')?.metadata.deletionTimestamp).toBeUndefined();
    harness.api.remove('pods', 'default', 'db-2');
    await until(() => harness.api.get('pods', 'default', 'db-1')?.metadata.deletionTimestamp !== undefined);
    expect(harness.api.get('pods', 'default', 'db-0')?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('makes a lost pod again under its own name and claims', async () => {
    await start({
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
    });
    await roll();
    expect(harness.api.list('persistentvolumeclaims').map((claim) => claim.metadata.name)).toEqual([
      'data-db-0',
      'data-db-1',
      'data-db-2',
    ]);
    harness.api.remove('pods', 'default', 'db-1');
    await until(() => names().length === 3);
    const volumes = harness.api.get<Pod>('pods', 'default', 'db-1')?.spec.volumes;
    expect(volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } }]);
    expect(harness.api.list('persistentvolumeclaims')).toHaveLength(3);
  });

  it('rolls from the top down, one pod at a time, and keeps a revision for each template', async () => {
    await start();
    await roll();
    setImage('image:2');
    await until(() => imageOf('db-2') === 'image:2');
    await settle(harness.api);
    expect([imageOf('db-0'), imageOf('db-1')]).toEqual(['image:1', 'image:1']);
    await roll(() =>
      expect(
        pods().filter((pod) => pod.status?.conditions?.[0]?.status === 'True').length,
      ).toBeGreaterThanOrEqual(2),
    );
    expect([imageOf('db-0'), imageOf('db-1'), imageOf('db-2')]).toEqual(['image:2', 'image:2', 'image:2']);
    expect(
      revisions()
        .map((each) => each.revision)
        .toSorted(),
    ).toEqual([1, 2]);
  });

  it('halts at a pod that does not become ready', async () => {
    await start();
    await roll();
    setImage('image:bad');
    await until(() => imageOf('db-2') === 'image:bad');
    await settle(harness.api);
    expect([imageOf('db-0'), imageOf('db-1')]).toEqual(['image:1', 'image:1']);
  });

  it('updates only down to the partition, and makes pods below it again as they were', async () => {
    await start({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    await roll();
    setImage('image:2');
    await until(() => {
      makeReady(harness.api, harness.clock);
      return imageOf('db-2') === 'image:2' && set()?.status?.readyReplicas === 3;
    });
    await settle(harness.api);
    harness.api.remove('pods', 'default', 'db-0');
    await until(() => imageOf('db-0') !== undefined);
    expect([imageOf('db-0'), imageOf('db-1'), imageOf('db-2')]).toEqual(['image:1', 'image:1', 'image:2']);
    expect(set()?.status?.updatedReplicas).toBe(1);
  });

  it('on rollback makes the old revision the newest; its data is the patch that kubectl applies', async () => {
    await start();
    await roll();
    const first = set()?.status?.currentRevision;
    setImage('image:2');
    await roll();
    setImage('image:1');
    await roll();
    expect(set()?.status?.currentRevision).toBe(first);
    const renewed = revisions().find((each) => each.metadata.name === first);
    expect(renewed?.revision).toBe(3);
    expect(renewed?.data).toEqual({ spec: { template: { ...template('db'), $patch: 'replace' } } });
  });

  it('with OnDelete leaves running pods and makes new ones of the new template', async () => {
    await start({ updateStrategy: { type: 'OnDelete' } });
    await roll();
    setImage('image:2');
    await settle(harness.api);
    expect(imageOf('db-2')).toBe('image:1');
    harness.api.remove('pods', 'default', 'db-1');
    await until(() => imageOf('db-1') === 'image:2');
  });

  it('replaces a pod that failed', async () => {
    await start({ replicas: 1 });
    await roll();
    const [pod] = pods();
    if (pod !== undefined) setPod(harness.api, pod, 'Failed', { clock: harness.clock });
    await until(() => pods().length === 1 && pods()[0]?.metadata.uid !== pod?.metadata.uid);
  });
});
