import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment, Pod, ReplicaSet } from '#libs/client';
import { createReplicaSetController } from '../replicaset.js';
import {
  createHarness,
  makeReady,
  object,
  settle,
  template,
  until,
  type Harness,
} from '../testing/harness.js';
import { createDeploymentController } from './deployment.js';

const deploymentOf = (spec: Record<string, unknown> = {}) =>
  object('apps/v1', 'Deployment', 'web', {
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      template: template('web'),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
  });

describe('deployment', () => {
  let harness: Harness;
  const deployment = () => harness.api.get<Deployment>('deployments', 'default', 'web');
  const sets = () => harness.api.list<ReplicaSet>('replicasets');
  const pods = () => harness.api.list<Pod>('pods');
  const imageOf = (each: Pod | ReplicaSet) =>
    ('template' in each.spec ? (each as ReplicaSet).spec.template.spec : (each as Pod).spec).containers[0]
      ?.image;
  const setOf = (image: string) => sets().find((set) => imageOf(set) === image);
  const edit = (change: (spec: Deployment['spec']) => void) =>
    harness.api.change('deployments', 'default', 'web', (each) => change((each as Deployment).spec));
  const setImage = (image: string) =>
    edit((spec) => {
      const [container] = spec.template.spec.containers;
      if (container !== undefined) container.image = image;
    });
  const condition = (type: string) => deployment()?.status?.conditions?.find((each) => each.type === type);
  const isDone = () =>
    deployment()?.status?.updatedReplicas === deployment()?.spec.replicas &&
    deployment()?.status?.availableReplicas === deployment()?.spec.replicas &&
    deployment()?.status?.replicas === deployment()?.spec.replicas &&
    deployment()?.status?.observedGeneration === deployment()?.metadata.generation;
  const start = async (spec: Record<string, unknown> = {}) => {
    harness.api.put('deployments', deploymentOf(spec));
    await harness.run(
      createDeploymentController(harness.context),
      createReplicaSetController(harness.context),
    );
  };
  /** Plays kubelet until the rollout is through, checking `invariant` at every step. */
  const rollOut = async (invariant: () => void = () => undefined) => {
    await until(() => {
      invariant();
      makeReady(harness.api, harness.clock);
      return isDone();
    });
    await settle(harness.api);
  };
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it('makes a ReplicaSet named by its template’s hash, with revision 1, and reports availability', async () => {
    await start();
    await rollOut();
    const [set] = sets();
    const hash = set?.metadata.labels?.['pod-template-hash'];
    expect(set?.metadata.name).toBe(`web-${hash}`);
    expect(set?.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(set?.spec.template.metadata?.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(set?.metadata.annotations).toEqual({
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '4',
      'deployment.kubernetes.io/max-replicas': '5',
    });
    expect(deployment()?.metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    expect(condition('Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(condition('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    expect(deployment()?.status).toMatchObject({
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
    });
    expect(harness.events).toContain(`ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 4`);
  });

  it.each([
    ['25%', '25%', 10],
    [1, 0, 4],
    [0, 1, 4],
    ['100%', '50%', 6],
    [0, 0, 3],
  ])(
    'rolls with surge %s and unavailable %s within both limits',
    async (maxSurge, maxUnavailable, replicas) => {
      await start({
        replicas,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
      });
      await rollOut();
      const share = (value: number | string, round: (exact: number) => number) =>
        typeof value === 'number' ? value : round((Number.parseInt(value, 10) * replicas) / 100);
      const surge = share(maxSurge, Math.ceil);
      const unavailable = Math.max(share(maxUnavailable, Math.floor), surge === 0 ? 1 : 0);
      setImage('image:2');
      await rollOut(() => {
        const active = pods();
        const ready = active.filter((pod) => pod.status?.conditions?.[0]?.status === 'True');
        expect(active.length).toBeLessThanOrEqual(replicas + surge);
        expect(ready.length).toBeGreaterThanOrEqual(replicas - unavailable);
      });
      expect(pods().map(imageOf)).toEqual(Array.from({ length: replicas }, () => 'image:2'));
      expect(deployment()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    },
  );

  it('takes an earlier template’s set back on rollback, as the newest revision, keeping its history', async () => {
    await start();
    await rollOut();
    setImage('image:2');
    await rollOut();
    setImage('image:1');
    await rollOut();
    expect(sets()).toHaveLength(2);
    expect(setOf('image:1')?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(setOf('image:1')?.spec.replicas).toBe(4);
    expect(setOf('image:2')?.spec.replicas).toBe(0);
    expect(deployment()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('turns to a third template in the middle of a rollout without waiting for the second', async () => {
    await start();
    await rollOut();
    setImage('image:2');
    await until(() => (setOf('image:2')?.spec.replicas ?? 0) > 0);
    setImage('image:3');
    await rollOut();
    expect(new Set(pods().map(imageOf))).toEqual(new Set(['image:3']));
    expect(setOf('image:2')?.spec.replicas).toBe(0);
  });

  it('keeps no more old sets than the history limit', async () => {
    await start({ revisionHistoryLimit: 1 });
    await rollOut();
    for (const image of ['image:2', 'image:3', 'image:4']) {
      setImage(image);
      await rollOut();
    }
    await until(() => sets().length === 2);
    expect(sets().map(imageOf).toSorted()).toEqual(['image:3', 'image:4']);
  });

  it('changes nothing but its size while paused, and rolls when resumed', async () => {
    await start();
    await rollOut();
    edit((spec) => (spec.paused = true));
    await until(() => condition('Progressing')?.reason === 'DeploymentPaused');
    setImage('image:2');
    edit((spec) => (spec.replicas = 6));
    await until(() => setOf('image:1')?.spec.replicas === 6);
    await settle(harness.api);
    expect(sets()).toHaveLength(1);
    edit((spec) => (spec.paused = false));
    await rollOut();
    expect(new Set(pods().map(imageOf))).toEqual(new Set(['image:2']));
  });

  it('shares a change of size among the sets of a rollout that is stuck, in proportion', async () => {
    await start({
      replicas: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
    });
    await rollOut();
    setImage('image:bad');
    await until(() => setOf('image:1')?.spec.replicas === 8 && setOf('image:bad')?.spec.replicas === 5);
    await settle(harness.api);
    edit((spec) => (spec.replicas = 30));
    await until(() => setOf('image:1')?.spec.replicas === 20 && setOf('image:bad')?.spec.replicas === 13);
  });

  it('with Recreate starts no new pod before the last old one is gone', async () => {
    harness.api.graceful.add('pods');
    await start({ replicas: 2, strategy: { type: 'Recreate' } });
    await rollOut();
    setImage('image:2');
    await until(() => pods().every((pod) => pod.metadata.deletionTimestamp !== undefined));
    await settle(harness.api);
    expect(pods().map(imageOf)).toEqual(['image:1', 'image:1']);
    for (const pod of pods()) harness.api.remove('pods', 'default', pod.metadata.name ?? '');
    await until(() => pods().length === 2 && pods().every((pod) => imageOf(pod) === 'image:2'));
  });

  it('reports a rollout without progress once its deadline has passed', async () => {
    await start({ progressDeadlineSeconds: 60 });
    await until(() => pods().length === 4);
    await settle(harness.api);
    harness.clock.advance(59_000);
    await settle(harness.api);
    expect(condition('Progressing')?.status).toBe('True');
    harness.clock.advance(2_000);
    await until(() => condition('Progressing')?.reason === 'ProgressDeadlineExceeded');
    expect(condition('Progressing')?.status).toBe('False');
    expect(condition('Available')?.status).toBe('False');
  });

  it('scales down to nothing and back', async () => {
    await start();
    await rollOut();
    edit((spec) => (spec.replicas = 0));
    await until(() => pods().length === 0);
    edit((spec) => (spec.replicas = 3));
    await rollOut();
    expect(pods()).toHaveLength(3);
    expect(sets()).toHaveLength(1);
  });

  it('takes another hash where its set’s name belongs to someone else', async () => {
    await start();
    await rollOut();
    const [set] = sets();
    if (set === undefined) throw new Error('no set');
    harness.api.remove('replicasets', 'default', set.metadata.name ?? '');
    await until(() => sets().length === 1);
    expect(sets()[0]?.metadata.name).toBe(set.metadata.name);
    harness.api.put('deployments', { ...deploymentOf(), metadata: { name: 'other', namespace: 'default' } });
    await until(() => sets().length === 2);
    harness.api.put(
      'replicasets',
      object('apps/v1', 'ReplicaSet', `third-${set.metadata.labels?.['pod-template-hash']}`, {
        metadata: {
          labels: { app: 'none' },
          ownerReferences: [{ apiVersion: 'x/v1', kind: 'X', name: 'x', uid: 'x', controller: true }],
        },
        spec: { replicas: 0, selector: { matchLabels: { app: 'none' } }, template: template('none') },
      }),
    );
    harness.api.put('deployments', { ...deploymentOf(), metadata: { name: 'third', namespace: 'default' } });
    await until(
      () => harness.api.get<Deployment>('deployments', 'default', 'third')?.status?.collisionCount === 1,
    );
    await until(() => sets().length === 4);
  });
});
