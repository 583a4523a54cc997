import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../types.js';
import { create, declarationOf, refusal, update } from './testing.js';

const container = { name: 'c', image: 'nginx' };
const pod = (spec: object = {}, metadata: object = {}): object => ({
  metadata,
  spec: { containers: [container], ...spec },
});
const specOf = (object: KubernetesObject): Record<string, unknown> =>
  object['spec'] as Record<string, unknown>;

describe('pod create', () => {
  it('fills in what kube-apiserver fills in', () => {
    expect(create('pods', pod())).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'default', uid: 'uid-1', generation: 1 },
      spec: {
        containers: [
          {
            name: 'c',
            image: 'nginx',
            imagePullPolicy: 'Always',
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
          },
        ],
        dnsPolicy: 'ClusterFirst',
        enableServiceLinks: true,
        restartPolicy: 'Always',
        schedulerName: 'default-scheduler',
        securityContext: {},
        terminationGracePeriodSeconds: 30,
      },
      status: { phase: 'Pending', qosClass: 'BestEffort' },
    });
  });

  it.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.2', 'IfNotPresent'],
    ['localhost:5000/nginx', 'Always'],
    ['localhost:5000/nginx:1', 'IfNotPresent'],
    [`nginx@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
  ])('pulls %s %s', (image, policy) => {
    const { containers } = specOf(create('pods', pod({ containers: [{ name: 'c', image }] })));
    expect((containers as { imagePullPolicy: string }[])[0]!.imagePullPolicy).toBe(policy);
  });

  it('requests what is limited where nothing else was requested', () => {
    const resources = { limits: { cpu: '0.5', memory: '1024Mi' }, requests: { cpu: '100m' } };
    const { containers } = specOf(create('pods', pod({ containers: [{ ...container, resources }] })));
    expect((containers as { resources: object }[])[0]!.resources).toEqual({
      limits: { cpu: '500m', memory: '1Gi' },
      requests: { cpu: '100m', memory: '1Gi' },
    });
  });

  it.each([
    [{ limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }, 'Burstable'],
    [{ requests: { cpu: '1' } }, 'Burstable'],
    [{ requests: { 'ephemeral-storage': '1Gi' } }, 'BestEffort'],
    [{}, 'BestEffort'],
  ])('is of the class its resources make it: %j', (resources, qosClass) => {
    const { status } = create('pods', pod({ containers: [{ ...container, resources }] })) as {
      status?: unknown;
    };
    expect(status).toMatchObject({ qosClass });
  });

  it('does not take a status from who creates it', () => {
    const object = create('pods', { ...pod(), status: { phase: 'Running', podIP: '1.2.3.4' } });
    expect(object['status']).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
  });

  it('waits behind scheduling gates', () => {
    const { status } = create('pods', pod({ schedulingGates: [{ name: 'example.com/wait' }] })) as {
      status?: { conditions?: unknown[] };
    };
    expect(status?.conditions?.[0]).toMatchObject({ type: 'PodScheduled', reason: 'SchedulingGated' });
  });

  // What kube-apiserver 1.36 answers to the same bodies.
  it.each([
    [{ containers: [] }, 'spec.containers: Required value'],
    [{ containers: [container, container] }, 'spec.containers[1].name: Duplicate value: "c"'],
    [{ containers: [{ name: 'c' }] }, 'spec.containers[0].image: Required value'],
    [
      { restartPolicy: 'X', dnsPolicy: 'Y' },
      '[spec.restartPolicy: Unsupported value: "X": supported values: "Always", "OnFailure", "Never", spec.dnsPolicy: Unsupported value: "Y": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]',
    ],
    [
      { containers: [{ ...container, volumeMounts: [{ name: 'x', mountPath: '/a' }] }] },
      'spec.containers[0].volumeMounts[0].name: Not found: "x"',
    ],
    [
      { containers: [{ ...container, resources: { limits: { cpu: '100m' }, requests: { cpu: '200m' } } }] },
      'spec.containers[0].resources.requests: Invalid value: "200m": must be less than or equal to cpu limit of 100m',
    ],
    [
      { containers: [{ ...container, resources: { limits: { cpu: '-1' } } }] },
      '[spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0, spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0]',
    ],
    [
      { containers: [{ ...container, livenessProbe: {} }] },
      'spec.containers[0].livenessProbe: Required value: must specify a handler type',
    ],
    [
      { containers: [{ ...container, ports: [{ containerPort: 70000, protocol: 'X' }] }] },
      '[spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive, spec.containers[0].ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"]',
    ],
    [
      { activeDeadlineSeconds: 0 },
      'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
    ],
    [
      {
        volumes: [
          { name: 'a', emptyDir: {} },
          { name: 'a', emptyDir: {} },
        ],
      },
      'spec.volumes[1].name: Duplicate value: "a"',
    ],
    [
      { volumes: [{ name: 'a', emptyDir: {}, secret: { secretName: 'x' } }] },
      'spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type',
    ],
    [
      { tolerations: [{ key: 'a', tolerationSeconds: 1 }] },
      'spec.tolerations[0].effect: Invalid value: "": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    ],
    [
      { hostNetwork: true, containers: [{ ...container, ports: [{ containerPort: 80, hostPort: 81 }] }] },
      'spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true',
    ],
    [{ ephemeralContainers: [container] }, undefined],
  ])('refuses %j', (spec, message) => {
    const told = refusal(() => create('pods', pod(spec)));
    expect(told).toMatch(/^Pod "a" is invalid: /);
    if (message !== undefined) expect(told).toBe(`Pod "a" is invalid: ${message}`);
  });
});

describe('pod update', () => {
  const before = create('pods', pod({ tolerations: [{ key: 'x', operator: 'Exists' }] }));
  const containerOf = (object: KubernetesObject) =>
    (specOf(object)['containers'] as Record<string, unknown>[])[0]!;

  it('takes a new image, and counts a generation', () => {
    const next = update('pods', before, (copy) => (containerOf(copy)['image'] = 'nginx:2'));
    expect(next.metadata.generation).toBe(2);
  });

  it('counts no generation for labels', () => {
    const next = update('pods', before, (copy) => (copy.metadata.labels = { a: 'b' }));
    expect(next.metadata.generation).toBe(1);
  });

  it('takes a zero value as absent', () => {
    const next = update('pods', before, (copy) =>
      Object.assign(specOf(copy), { hostNetwork: false, nodeName: '' }),
    );
    expect(next.metadata.generation).toBe(1);
  });

  it.each<[string, (copy: KubernetesObject) => void, RegExp]>([
    [
      'a container’s name',
      (copy) => (containerOf(copy)['name'] = 'd'),
      /spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`/,
    ],
    ['the node', (copy) => (specOf(copy)['nodeName'] = 'n'), /pod updates may not change fields other than/],
    [
      'the number of containers',
      (copy) => (specOf(copy)['containers'] as object[]).push({ ...container, name: 'd' }),
      /spec\.containers: Forbidden: pod updates may not add or remove containers/,
    ],
    [
      'a toleration away',
      (copy) => (specOf(copy)['tolerations'] = []),
      /spec\.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds/,
    ],
    [
      'a new gate',
      (copy) => (specOf(copy)['schedulingGates'] = [{ name: 'a' }]),
      /only deletion is allowed, but found new scheduling gate 'a'/,
    ],
  ])('refuses to change %s', (_what, change, message) => {
    expect(refusal(() => update('pods', before, change))).toMatch(message);
  });

  it('keeps the status on an update of the spec, and the spec on an update of the status', () => {
    const status = { phase: 'Running', podIP: '10.0.0.1' };
    const main = update('pods', before, (copy) => (copy['status'] = status));
    expect(main['status']).toEqual(before['status']);
    const change = (copy: KubernetesObject): void => {
      copy['status'] = status;
      specOf(copy)['nodeName'] = 'n';
    };
    const next = update('pods', before, change, 'status');
    expect(next['spec']).toEqual(before['spec']);
    expect(next['status']).toEqual({ ...status, qosClass: 'BestEffort' });
    expect(next.metadata.generation).toBe(1);
  });

  it('resizes by its subresource, within its class', () => {
    const burstable = create(
      'pods',
      pod({ containers: [{ ...container, resources: { requests: { cpu: '1' } } }] }),
    );
    const set = (resources: object) => (copy: KubernetesObject) =>
      (containerOf(copy)['resources'] = resources);
    const next = update('pods', burstable, set({ requests: { cpu: '2' } }), 'resize');
    expect(containerOf(next)['resources']).toEqual({ requests: { cpu: '2' } });
    expect(refusal(() => update('pods', burstable, set({}), 'resize'))).toMatch(
      /Pod QOS Class may not change/,
    );
  });

  it('adds ephemeral containers by their subresource and takes none away', () => {
    const add = (copy: KubernetesObject): void =>
      void (specOf(copy)['ephemeralContainers'] = [{ name: 'debug', image: 'busybox' }]);
    const next = update('pods', before, add, 'ephemeralcontainers');
    expect(specOf(next)['ephemeralContainers']).toMatchObject([{ name: 'debug', imagePullPolicy: 'Always' }]);
    const drop = (copy: KubernetesObject): void => void delete specOf(copy)['ephemeralContainers'];
    expect(refusal(() => update('pods', next, drop, 'ephemeralcontainers'))).toMatch(
      /existing ephemeral containers "debug" may not be removed/,
    );
  });
});

describe('pod declaration', () => {
  it.each([
    [{ terminationGracePeriodSeconds: 5, nodeName: 'n' }, 'Running', 5],
    [{ nodeName: 'n' }, 'Running', 30],
    [{ nodeName: 'n' }, 'Succeeded', 0],
    [{}, 'Pending', 0],
  ])('gives %j in phase %s %i seconds to end', (spec, phase, seconds) => {
    const grace = declarationOf('pods').gracePeriodSeconds!;
    expect(grace({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec, status: { phase } })).toBe(seconds);
  });

  it('selects by the fields that Kubernetes indexes', () => {
    const fields = declarationOf('pods').selectableFields;
    const object = create('pods', pod({ nodeName: 'n', serviceAccountName: 's' }));
    const values = Object.fromEntries(Object.entries(fields).map(([label, value]) => [label, value(object)]));
    expect(values).toEqual({
      'spec.nodeName': 'n',
      'spec.restartPolicy': 'Always',
      'spec.schedulerName': 'default-scheduler',
      'spec.serviceAccountName': 's',
      'spec.hostNetwork': 'false',
      'status.phase': 'Pending',
      'status.podIP': '',
      'status.nominatedNodeName': '',
    });
  });
});
