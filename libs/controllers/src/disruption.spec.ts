import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatTime, type PodDisruptionBudget } from '#libs/client';
import { createDisruptionController } from './disruption.js';
import { createHarness, object, settle, template, until, type Harness } from './testing/harness.js';

describe('disruption', () => {
  let harness: Harness;
  const status = () => harness.api.get<PodDisruptionBudget>('poddisruptionbudgets', 'default', 'pdb')?.status;
  const budget = (spec: Record<string, unknown>) =>
    harness.api.put(
      'poddisruptionbudgets',
      object('policy/v1', 'PodDisruptionBudget', 'pdb', {
        spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
      }),
    );
  const pods = (ready: number, notReady = 0, owned = true) => {
    const set = harness.api.put(
      'replicasets',
      object('apps/v1', 'ReplicaSet', 'web', {
        spec: { replicas: 5, selector: { matchLabels: { app: 'web' } }, template: template('web') },
      }),
    );
    const owner = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web',
      uid: set.metadata.uid ?? '',
      controller: true,
    };
    for (let at = 0; at < ready + notReady; at++) {
      harness.api.put(
        'pods',
        object('v1', 'Pod', `p${at}`, {
          metadata: { labels: { app: 'web' }, ...(owned ? { ownerReferences: [owner] } : {}) },
          spec: { containers: [] },
          status: {
            phase: 'Running',
            conditions: [{ type: 'Ready', status: at < ready ? 'True' : 'False' }],
          },
        }),
      );
    }
  };
  const eventually = (condition: () => boolean) =>
    until(() => {
      harness.clock.advance(25);
      return condition();
    });
  const start = () => harness.run(createDisruptionController(harness.context));
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it.each<
    [Record<string, unknown>, { disruptionsAllowed: number; desiredHealthy: number; expectedPods: number }]
  >([
    [{ minAvailable: 3 }, { disruptionsAllowed: 1, desiredHealthy: 3, expectedPods: 5 }],
    [{ minAvailable: '50%' }, { disruptionsAllowed: 1, desiredHealthy: 3, expectedPods: 5 }],
    [{ maxUnavailable: 1 }, { disruptionsAllowed: 0, desiredHealthy: 4, expectedPods: 5 }],
    [{ maxUnavailable: '40%' }, { disruptionsAllowed: 1, desiredHealthy: 3, expectedPods: 5 }],
    [{ minAvailable: 5 }, { disruptionsAllowed: 0, desiredHealthy: 5, expectedPods: 5 }],
  ])('with 4 of 5 pods ready, %j allows what it says', async (spec, wanted) => {
    pods(4, 1);
    budget(spec);
    await start();
    await eventually(() => status()?.observedGeneration === 1);
    expect(status()).toMatchObject({ ...wanted, currentHealthy: 4 });
    expect(status()?.conditions?.[0]).toMatchObject({
      type: 'DisruptionAllowed',
      status: wanted.disruptionsAllowed > 0 ? 'True' : 'False',
      reason: wanted.disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    });
  });

  it('follows pods that become ready or go', async () => {
    pods(3, 1);
    budget({ minAvailable: 2 });
    await start();
    await eventually(() => status()?.disruptionsAllowed === 1);
    harness.api.change(
      'pods',
      'default',
      'p3',
      (pod) => void (pod['status'] = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }),
    );
    await eventually(() => status()?.disruptionsAllowed === 2);
    harness.api.remove('pods', 'default', 'p0');
    await eventually(() => status()?.disruptionsAllowed === 1);
  });

  it('does not count a pod whose eviction was granted, for two minutes', async () => {
    pods(3);
    const made = budget({ minAvailable: 2 });
    await start();
    await eventually(() => status()?.disruptionsAllowed === 1);
    harness.api.change('poddisruptionbudgets', 'default', made.metadata.name ?? '', (each) => {
      (each as PodDisruptionBudget).status = {
        ...status(),
        disruptedPods: { p0: formatTime(harness.clock.now()) },
        disruptionsAllowed: 0,
      };
    });
    await eventually(() => status()?.currentHealthy === 2);
    await settle(harness.api);
    harness.clock.advance(121_000);
    await eventually(() => status()?.currentHealthy === 3 && status()?.disruptedPods === undefined);
  });

  it('allows nothing where a percentage has nothing to be of', async () => {
    pods(3, 0, false);
    budget({ maxUnavailable: '50%' });
    await start();
    await eventually(() => status()?.conditions?.[0]?.reason === 'SyncFailed');
    expect(status()?.disruptionsAllowed ?? 0).toBe(0);
  });
});
