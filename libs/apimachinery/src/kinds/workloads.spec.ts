import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../types.js';
import { create, refusal, update } from './testing.js';

const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };
const spec = { selector: { matchLabels: labels }, template };
const specOf = (object: KubernetesObject): Record<string, unknown> =>
  object['spec'] as Record<string, unknown>;

describe('deployment', () => {
  it('has the defaults of apps/v1', () => {
    const object = create('deployments.apps', { spec });
    expect(specOf(object)).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    });
    expect(object['status']).toEqual({});
    expect(object.metadata.generation).toBe(1);
  });

  it.each([
    [
      { template },
      '[spec.selector: Required value, spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`]',
    ],
    [
      { ...spec, selector: { matchLabels: { x: 'y' } } },
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [{ ...spec, selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    [{ ...spec, replicas: -1 }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [
      { ...spec, strategy: { type: 'Recreate', rollingUpdate: {} } },
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      { ...spec, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ],
    [
      {},
      '[spec.selector: Required value, spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]',
    ],
  ])('refuses %j as kube-apiserver does', (body, message) => {
    expect(refusal(() => create('deployments.apps', { spec: body }))).toBe(
      `Deployment.apps "a" is invalid: ${message}`,
    );
  });

  const before = create('deployments.apps', { spec });

  it('keeps its selector', () => {
    const change = (copy: KubernetesObject): void => {
      specOf(copy)['selector'] = { matchLabels: { x: 'y' } };
      specOf(copy)['template'] = { ...template, metadata: { labels: { x: 'y' } } };
    };
    expect(refusal(() => update('deployments.apps', before, change))).toBe(
      'Deployment.apps "a" is invalid: spec.selector: Invalid value: {"matchLabels":{"x":"y"}}: field is immutable',
    );
  });

  it.each<[string, (copy: KubernetesObject) => void, number]>([
    ['replicas', (copy) => (specOf(copy)['replicas'] = 3), 2],
    ['annotations', (copy) => (copy.metadata.annotations = { a: 'b' }), 2],
    ['labels', (copy) => (copy.metadata.labels = { a: 'b' }), 1],
    ['a generation that the client made up', (copy) => (copy.metadata.generation = 77), 1],
    ['status', (copy) => (copy['status'] = { replicas: 3 }), 1],
  ])('after a change of %s', (_what, change, generation) => {
    expect(update('deployments.apps', before, change).metadata.generation).toBe(generation);
  });
});

describe('stateful set', () => {
  it('lets mounts name what its claim templates make', () => {
    const pods = {
      ...template,
      spec: { containers: [{ name: 'c', image: 'x', volumeMounts: [{ name: 'data', mountPath: '/d' }] }] },
    };
    const claims = [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ];
    const object = create('statefulsets.apps', {
      spec: { ...spec, template: pods, volumeClaimTemplates: claims },
    });
    expect(specOf(object)['volumeClaimTemplates']).toMatchObject([
      { kind: 'PersistentVolumeClaim', spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
    ]);
    expect(specOf(object)).toMatchObject({
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    });
  });

  it('has a name that its pods can bear', () => {
    expect(refusal(() => create('statefulsets.apps', { metadata: { name: 'a.b' }, spec }))).toMatch(
      /metadata\.name: Invalid value: "a\.b": must not contain dots/,
    );
  });

  it('changes only what may change', () => {
    const before = create('statefulsets.apps', { spec });
    expect(
      update('statefulsets.apps', before, (copy) => (specOf(copy)['replicas'] = 3)).metadata.generation,
    ).toBe(2);
    expect(
      refusal(() => update('statefulsets.apps', before, (copy) => (specOf(copy)['serviceName'] = 'x'))),
    ).toMatch(/updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template'/);
  });
});

describe('daemon set', () => {
  const before = create('daemonsets.apps', { spec });
  const generationOf = (object: KubernetesObject) =>
    object.metadata.annotations?.['deprecated.daemonset.template.generation'];

  it('counts the generations of its template in the annotation of old', () => {
    expect(generationOf(before)).toBe('1');
    const image = { ...template, spec: { containers: [{ name: 'c', image: 'nginx:2' }] } };
    expect(
      generationOf(update('daemonsets.apps', before, (copy) => (specOf(copy)['template'] = image))),
    ).toBe('2');
    expect(
      generationOf(update('daemonsets.apps', before, (copy) => (specOf(copy)['minReadySeconds'] = 2))),
    ).toBe('1');
  });

  it('surges or withholds, not both', () => {
    expect(
      refusal(() =>
        create('daemonsets.apps', { spec: { ...spec, updateStrategy: { rollingUpdate: { maxSurge: 1 } } } }),
      ),
    ).toMatch(/may not be set when maxUnavailable is non-zero/);
  });
});

describe('job', () => {
  const body = {
    spec: { template: { spec: { containers: [{ name: 'c', image: 'x' }], restartPolicy: 'Never' } } },
  };
  const generated = {
    'job-name': 'a',
    'batch.kubernetes.io/job-name': 'a',
    'controller-uid': 'uid-1',
    'batch.kubernetes.io/controller-uid': 'uid-1',
  };

  it('makes its pods its own by its uid', () => {
    const object = create('jobs.batch', body);
    expect(specOf(object)).toMatchObject({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'uid-1' } },
      template: { metadata: { labels: generated } },
    });
    expect(object.metadata.labels).toEqual(generated);
  });

  it('refuses pods that restart always', () => {
    const always = { spec: { template: { spec: { containers: [{ name: 'c', image: 'x' }] } } } };
    expect(refusal(() => create('jobs.batch', always))).toBe(
      'Job.batch "a" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    );
  });

  it('refuses a selector of the user’s unless that is asked for', () => {
    const selected = { spec: { ...body.spec, selector: { matchLabels: { a: 'b' } } } };
    expect(refusal(() => create('jobs.batch', selected))).toMatch(/`selector` not auto-generated/);
  });

  it('may be suspended and widened, but not change its template', () => {
    const before = create('jobs.batch', body);
    expect(
      update('jobs.batch', before, (copy) => (specOf(copy)['parallelism'] = 3)).metadata.generation,
    ).toBe(2);
    const change = (copy: KubernetesObject): void => {
      const { template } = specOf(copy) as { template: { spec: { containers: { image: string }[] } } };
      template.spec.containers[0]!.image = 'y';
    };
    expect(refusal(() => update('jobs.batch', before, change))).toMatch(
      /spec\.template: Invalid value: .*field is immutable/,
    );
  });
});

describe('cron job', () => {
  const body = (schedule: string): object => ({
    spec: {
      schedule,
      jobTemplate: {
        spec: { template: { spec: { containers: [{ name: 'c', image: 'x' }], restartPolicy: 'Never' } } },
      },
    },
  });

  it.each(['* * * * *', '*/5 0-6,12 1 JAN mon', '@hourly', '@every 1h30m', '0 0 ? * 6'])(
    'takes %s',
    (schedule) => {
      expect(specOf(create('cronjobs.batch', body(schedule)))).toMatchObject({
        concurrencyPolicy: 'Allow',
        successfulJobsHistoryLimit: 3,
      });
    },
  );

  it.each([
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * * * 8', 'end of range (8) above maximum (6): 8'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ['@foo', 'unrecognized descriptor: @foo'],
  ])('refuses %s', (schedule, problem) => {
    expect(refusal(() => create('cronjobs.batch', body(schedule)))).toBe(
      `CronJob.batch "a" is invalid: spec.schedule: Invalid value: ${JSON.stringify(schedule)}: ${problem}`,
    );
  });
});
