import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job, Pod } from '#libs/client';
import { createTtlAfterFinishedController } from '../ttl-after-finished.js';
import { createHarness, object, settle, setPod, template, until, type Harness } from '../testing/harness.js';
import { formatIndexes, parseIndexes } from './indexes.js';
import { createJobController } from './job.js';
import { indexOf } from './pods.js';

describe('job', () => {
  let harness: Harness;
  const job = () => harness.api.get<Job>('jobs', 'default', 'work');
  const pods = () => harness.api.list<Pod>('pods');
  const open = () =>
    pods().filter((pod) => pod.status?.phase === undefined && pod.metadata.deletionTimestamp === undefined);
  const condition = (type: string) => job()?.status?.conditions?.find((each) => each.type === type);
  const start = async (spec: Record<string, unknown> = {}) => {
    harness.api.put(
      'jobs',
      object('batch/v1', 'Job', 'work', {
        spec: {
          parallelism: 1,
          completions: 1,
          backoffLimit: 6,
          completionMode: 'NonIndexed',
          selector: { matchLabels: { app: 'work' } },
          template: { ...template('work'), spec: { ...template('work').spec, restartPolicy: 'Never' } },
          ...spec,
        },
      }),
    );
    await harness.run(
      createJobController(harness.context),
      createTtlAfterFinishedController(harness.context),
    );
  };
  const end = (
    pod: Pod | undefined,
    phase: 'Succeeded' | 'Failed',
    exitCode = phase === 'Failed' ? 1 : 0,
  ) => {
    if (pod === undefined) throw new Error('no pod to end');
    setPod(harness.api, pod, phase, {
      clock: harness.clock,
      containerStatuses: [
        { name: 'main', ready: false, restartCount: 0, state: { terminated: { exitCode } } },
      ],
    });
  };
  const edit = (change: (spec: Job['spec']) => void) =>
    harness.api.change('jobs', 'default', 'work', (each) => change((each as Job).spec));
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it('runs up to parallelism until all completions are there, then is Complete with its counters', async () => {
    await start({ parallelism: 2, completions: 5 });
    for (let done = 0; done < 5; done++) {
      await until(() => open().length === Math.min(2, 5 - done));
      await settle(harness.api);
      expect(open().length).toBe(Math.min(2, 5 - done));
      end(open()[0], 'Succeeded');
    }
    await until(() => condition('Complete')?.status === 'True');
    expect(job()?.status).toMatchObject({
      succeeded: 5,
      completionTime: expect.any(String),
      startTime: expect.any(String),
    });
    expect(condition('SuccessCriteriaMet')?.reason).toBe('CompletionsReached');
    expect(pods().every((pod) => pod.metadata.finalizers?.length === 0)).toBe(true);
    expect(harness.events).toContain('Completed Job completed');
    expect(pods()).toHaveLength(5);
  });

  it('counts an end although the pod is deleted at once', async () => {
    await start({ completions: 2 });
    await until(() => open().length === 1);
    const [pod] = open();
    end(pod, 'Succeeded');
    await harness.context.client
      .resource({ group: '', version: 'v1', resource: 'pods' })
      .delete(pod?.metadata.name ?? '', { namespace: 'default' });
    await until(() => job()?.status?.succeeded === 1);
    await until(() => open().length === 1);
    end(open()[0], 'Succeeded');
    await until(() => condition('Complete')?.status === 'True');
  });

  it('waits 10 s, then 20 s, between tries that fail, and gives up beyond the limit', async () => {
    await start({ backoffLimit: 1 });
    await until(() => open().length === 1);
    end(open()[0], 'Failed');
    await until(() => job()?.status?.failed === 1);
    await settle(harness.api);
    expect(open()).toHaveLength(0);
    harness.clock.advance(9_000);
    await settle(harness.api);
    expect(open()).toHaveLength(0);
    harness.clock.advance(1_000);
    await until(() => open().length === 1);
    end(open()[0], 'Failed');
    await until(() => condition('Failed')?.status === 'True');
    expect(condition('Failed')).toMatchObject({
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    });
    expect(job()?.status?.failed).toBe(2);
    expect(pods()).toHaveLength(2);
  });

  it('gives every index one success, and tells each pod its own', async () => {
    await start({ completionMode: 'Indexed', parallelism: 3, completions: 4 });
    await until(() => open().length === 3);
    expect(open().map(indexOf).toSorted()).toEqual([0, 1, 2]);
    const [pod] = open();
    expect(pod?.spec.hostname).toBe('work-0');
    expect(pod?.spec.containers[0]?.env?.[0]?.name).toBe('JOB_COMPLETION_INDEX');
    end(
      open().find((each) => indexOf(each) === 1),
      'Failed',
    );
    await until(() => open().some((each) => indexOf(each) === 3) || open().length === 2);
    harness.clock.advance(10_000);
    await until(() => {
      const [next] = open();
      if (next !== undefined) end(next, 'Succeeded');
      harness.clock.advance(1_000);
      return condition('Complete')?.status === 'True';
    });
    expect(job()?.status).toMatchObject({ succeeded: 4, completedIndexes: '0-3', failed: 1 });
  });

  it('stops its pods while suspended, and starts its clock anew when resumed', async () => {
    await start({ parallelism: 2, completions: 2 });
    await until(() => open().length === 2);
    edit((spec) => (spec.suspend = true));
    await until(() => open().length === 0 && condition('Suspended')?.status === 'True');
    expect(job()?.status?.startTime).toBeUndefined();
    harness.clock.advance(60_000);
    edit((spec) => (spec.suspend = false));
    await until(() => open().length === 2 && condition('Suspended')?.status === 'False');
    expect(job()?.status?.startTime).toBe('2026-01-01T00:01:00Z');
  });

  it('fails at its deadline and takes its pods away', async () => {
    await start({ activeDeadlineSeconds: 30 });
    await until(() => open().length === 1);
    await settle(harness.api);
    harness.clock.advance(30_000);
    await until(() => condition('Failed')?.reason === 'DeadlineExceeded');
    expect(open()).toHaveLength(0);
  });

  it('judges failures by podFailurePolicy: ignores some, fails at once on others', async () => {
    await start({
      backoffLimit: 0,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onExitCodes: { operator: 'In', values: [7] } },
          { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [42] } },
        ],
      },
    });
    await until(() => open().length === 1);
    end(open()[0], 'Failed', 7);
    await until(() => open().length === 1);
    expect(job()?.status?.failed).toBeUndefined();
    end(open()[0], 'Failed', 42);
    await until(() => condition('Failed')?.reason === 'PodFailurePolicy');
    expect(condition('Failed')?.message).toContain(
      'failed with exit code 42 matching FailJob rule at index 1',
    );
  });

  it('without completions is a work queue: one success ends it, and no pod is started after that', async () => {
    await start({ completions: undefined, parallelism: 3 });
    await until(() => open().length === 3);
    end(open()[0], 'Succeeded');
    await settle(harness.api);
    expect(open()).toHaveLength(2);
    end(open()[0], 'Succeeded');
    end(open()[0], 'Succeeded');
    await until(() => condition('Complete')?.status === 'True');
  });

  it('is deleted when its time to live after the end has passed', async () => {
    await start({ ttlSecondsAfterFinished: 60 });
    await until(() => open().length === 1);
    end(open()[0], 'Succeeded');
    await until(() => condition('Complete')?.status === 'True');
    await settle(harness.api);
    harness.clock.advance(59_000);
    await settle(harness.api);
    expect(job()?.metadata.deletionTimestamp).toBeUndefined();
    harness.clock.advance(1_000);
    await until(() => job()?.metadata.deletionTimestamp !== undefined);
  });

  it('lets go of pods whose Job is gone', async () => {
    await start();
    await until(() => open().length === 1);
    await settle(harness.api);
    harness.api.remove('jobs', 'default', 'work');
    await until(() => pods().every((pod) => pod.metadata.finalizers?.length === 0));
  });
});

describe('completion indexes', () => {
  it.each(['', '0', '0,1', '0-2', '1,3-5,7', '0,2,4-100'])('%j is read and written alike', (text) => {
    expect(formatIndexes(parseIndexes(text))).toBe(text);
  });
});
