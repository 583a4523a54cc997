import { describe, expect, it } from 'vitest';
import { declarationOf } from '../kinds/testing.js';
import type { KubernetesObject } from '../types.js';
import { humanDuration } from './duration.js';
import { summarizePod } from './pod-columns.js';
import { toTable } from './to-table.js';

const nowSeconds = Date.UTC(2026, 0, 1, 1) / 1000;
const created = '2026-01-01T00:00:00Z';

function row(name: string, object: object): Record<string, unknown> {
  const full = {
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'a', creationTimestamp: created },
    ...object,
  } as KubernetesObject;
  const table = toTable(declarationOf(name), [full], { nowSeconds });
  return Object.fromEntries(
    table.columnDefinitions!.map(({ name }, index) => [name, table.rows[0]!.cells[index]]),
  );
}

describe('humanDuration', () => {
  it.each([
    [-5, '<invalid>'],
    [-0.5, '0s'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [200, '3m20s'],
    [600, '10m'],
    [10_799, '179m'],
    [10_800, '3h'],
    [11_100, '3h5m'],
    [28_800, '8h'],
    [172_799, '47h'],
    [172_800, '2d'],
    [180_000, '2d2h'],
    [691_200, '8d'],
    [63_072_000, '2y'],
    [63_158_400, '2y1d'],
    [252_288_000, '8y'],
  ])('%i s is %s', (seconds, text) => {
    expect(humanDuration(seconds)).toBe(text);
  });
});

describe('toTable', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', resourceVersion: '7' },
    data: { x: 'y' },
  };
  const declaration = declarationOf('configmaps');

  it('includes what was asked for of the object', () => {
    const included = (includeObject: 'None' | 'Metadata' | 'Object') =>
      toTable(declaration, [object], { nowSeconds, includeObject }).rows[0]!.object;
    expect(included('None')).toBeNull();
    expect(included('Object')).toBe(object);
    expect(included('Metadata')).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: object.metadata,
    });
  });

  it('is a Table of the version asked for, with the revision of what it shows', () => {
    expect(toTable(declaration, [object], { nowSeconds, version: 'v1beta1' })).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1beta1',
      metadata: { resourceVersion: '7' },
    });
    expect(
      toTable(declaration, [], {
        nowSeconds,
        listMetadata: { resourceVersion: '9', continue: 'c' },
        columnDefinitions: false,
      }),
    ).toMatchObject({
      metadata: { resourceVersion: '9', continue: 'c' },
      columnDefinitions: null,
      rows: [],
    });
  });

  it('shows name and date of kinds that have no columns of their own', () => {
    expect(row('roles.rbac.authorization.k8s.io', {})).toEqual({ Name: 'a', 'Created At': created });
  });
});

describe('pod summary', () => {
  const running = { state: { running: {} }, ready: true, restartCount: 0 };
  const pod = (status: object, spec: object = {}, metadata: object = {}): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec },
    status,
  });
  const init = { initContainers: [{ name: 'i' }, { name: 'j' }] };
  const sidecar = { initContainers: [{ name: 's', restartPolicy: 'Always' }] };

  it.each<[string, KubernetesObject, string, string]>([
    ['pending', pod({ phase: 'Pending' }), '0/2', 'Pending'],
    [
      'gated',
      pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', reason: 'SchedulingGated' }] }),
      '0/2',
      'SchedulingGated',
    ],
    [
      'creating',
      pod({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] }),
      '0/2',
      'ContainerCreating',
    ],
    ['running', pod({ phase: 'Running', containerStatuses: [running, running] }), '2/2', 'Running'],
    [
      'crashing',
      pod({
        phase: 'Running',
        containerStatuses: [running, { state: { waiting: { reason: 'CrashLoopBackOff' } } }],
      }),
      '1/2',
      'CrashLoopBackOff',
    ],
    ['evicted', pod({ phase: 'Failed', reason: 'Evicted' }), '0/2', 'Evicted'],
    [
      'done',
      pod({
        phase: 'Succeeded',
        containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
      }),
      '0/2',
      'Completed',
    ],
    [
      'failed',
      pod({ phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] }),
      '0/2',
      'ExitCode:3',
    ],
    [
      'killed',
      pod({ phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 137, signal: 9 } } }] }),
      '0/2',
      'Signal:9',
    ],
    [
      'half done',
      pod({
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }, running],
      }),
      '1/2',
      'Running',
    ],
    [
      'half done, not ready',
      pod({
        phase: 'Running',
        containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }, running],
      }),
      '1/2',
      'NotReady',
    ],
    [
      'initializing',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'i', state: { terminated: { exitCode: 0 } } },
            { name: 'j', state: { running: {} } },
          ],
        },
        init,
      ),
      '0/2',
      'Init:1/2',
    ],
    [
      'failing to initialize',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'i', state: { terminated: { exitCode: 1, reason: 'Error' } } }],
        },
        init,
      ),
      '0/2',
      'Init:Error',
    ],
    [
      'crashing while initializing',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'i', state: { waiting: { reason: 'CrashLoopBackOff' } } }],
        },
        init,
      ),
      '0/2',
      'Init:CrashLoopBackOff',
    ],
    [
      'with a sidecar',
      pod(
        {
          phase: 'Running',
          initContainerStatuses: [{ ...running, name: 's', started: true }],
          containerStatuses: [running, running],
        },
        sidecar,
      ),
      '3/3',
      'Running',
    ],
    [
      'terminating',
      pod({ phase: 'Running', containerStatuses: [running, running] }, {}, { deletionTimestamp: created }),
      '2/2',
      'Terminating',
    ],
    ['done and deleted', pod({ phase: 'Succeeded' }, {}, { deletionTimestamp: created }), '0/2', 'Succeeded'],
    [
      'on a lost node',
      pod({ phase: 'Running', reason: 'NodeLost' }, {}, { deletionTimestamp: created }),
      '0/2',
      'Unknown',
    ],
  ])('%s', (_what, object, ready, reason) => {
    const summary = summarizePod(object);
    expect([`${summary.ready}/${summary.total}`, summary.reason]).toEqual([ready, reason]);
  });

  it('tells when it restarted last', () => {
    const lastState = { terminated: { finishedAt: '2026-01-01T00:55:00Z' } };
    expect(
      row('pods', pod({ phase: 'Running', containerStatuses: [{ ...running, restartCount: 4, lastState }] }))[
        'Restarts'
      ],
    ).toBe('4 (5m ago)');
  });
});

describe('columns', () => {
  it.each<[string, object, Record<string, unknown>]>([
    [
      'nodes',
      {
        metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          nodeInfo: { kubeletVersion: 'v1.36.0', kernelVersion: '6.1', architecture: 'amd64' },
          addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        },
      },
      {
        Status: 'Ready,SchedulingDisabled',
        Roles: 'control-plane',
        Version: 'v1.36.0',
        'Internal-IP': '10.0.0.1',
        'External-IP': '<none>',
        'Kernel-Version': '6.1 (amd64)',
      },
    ],
    [
      'services',
      {
        spec: {
          type: 'NodePort',
          clusterIPs: ['10.0.0.1'],
          ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }],
          selector: { b: '2', a: '1' },
        },
      },
      {
        Type: 'NodePort',
        'Cluster-IP': '10.0.0.1',
        'External-IP': '<none>',
        'Port(s)': '80:30080/TCP',
        Age: '60m',
        Selector: 'a=1,b=2',
      },
    ],
    ['services', { spec: { type: 'LoadBalancer' } }, { 'External-IP': '<pending>', 'Port(s)': '<none>' }],
    [
      'deployments.apps',
      {
        spec: { replicas: 3, template: { spec: { containers: [{ name: 'c', image: 'i' }] } } },
        status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
      },
      { Ready: '2/3', 'Up-to-date': 3, Available: 1, Containers: 'c', Images: 'i', Selector: '<none>' },
    ],
    [
      'jobs.batch',
      { spec: { completions: 3 }, status: { succeeded: 1, startTime: '2026-01-01T00:58:00Z' } },
      { Status: 'Running', Completions: '1/3', Duration: '2m' },
    ],
    [
      'cronjobs.batch',
      { spec: { schedule: '* * * * *' }, status: {} },
      { Schedule: '* * * * *', Timezone: '<none>', Suspend: false, Active: 0, 'Last Schedule': '<none>' },
    ],
    [
      'endpoints',
      { subsets: [{ addresses: [1, 2, 3, 4].map((n) => ({ ip: `10.0.0.${n}` })), ports: [{ port: 80 }] }] },
      { Endpoints: '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...' },
    ],
    ['endpoints', {}, { Endpoints: '<none>' }],
    [
      'events',
      {
        lastTimestamp: '2026-01-01T00:59:00Z',
        type: 'Normal',
        reason: 'R',
        message: ' m ',
        involvedObject: { kind: 'Pod', name: 'p' },
        source: { component: 'kubelet', host: 'n' },
      },
      { 'Last Seen': '60s', Object: 'pod/p', Message: 'm', Source: 'kubelet, n', Count: '1' },
    ],
    [
      'poddisruptionbudgets.policy',
      { spec: { minAvailable: '50%' } },
      { 'Min Available': '50%', 'Max Unavailable': 'N/A', 'Allowed Disruptions': 0 },
    ],
    [
      'horizontalpodautoscalers.autoscaling',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          maxReplicas: 3,
          metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80 } } }],
        },
      },
      {
        Reference: 'Deployment/d',
        Targets: 'cpu: <unknown>/80%',
        MinPods: '<unset>',
        MaxPods: 3,
        Replicas: 0,
      },
    ],
    [
      'persistentvolumeclaims',
      {
        spec: { volumeName: 'v' },
        status: {
          phase: 'Bound',
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
        },
      },
      { Status: 'Bound', Volume: 'v', Capacity: '1Gi', 'Access Modes': 'RWO,RWX', VolumeMode: '<unset>' },
    ],
    [
      'storageclasses.storage.k8s.io',
      {
        metadata: { name: 'a', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'p',
      },
      { Name: 'a (default)', ReclaimPolicy: 'Delete' },
    ],
    [
      'ingresses.networking.k8s.io',
      { spec: { tls: [{}], rules: [{ host: 'h' }] } },
      { Class: '<none>', Hosts: 'h', Address: '', Ports: '80, 443' },
    ],
    [
      'rolebindings.rbac.authorization.k8s.io',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [{ kind: 'ServiceAccount', namespace: 'n', name: 's' }],
      },
      { Role: 'Role/r', Users: '', ServiceAccounts: 'n/s' },
    ],
    [
      'controllerrevisions.apps',
      {
        revision: 3,
        metadata: {
          name: 'a',
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', controller: true }],
        },
      },
      { Controller: 'statefulset.apps/web', Revision: 3 },
    ],
  ])('%s', (name, object, cells) => {
    expect(row(name, object)).toMatchObject(cells);
  });

  it('bear an object that has nothing but metadata, in every kind', () => {
    for (const { name } of [
      { name: 'pods' },
      { name: 'nodes' },
      { name: 'events' },
      { name: 'jobs.batch' },
      { name: 'flowschemas.flowcontrol.apiserver.k8s.io' },
      { name: 'csidrivers.storage.k8s.io' },
      { name: 'apiservices.apiregistration.k8s.io' },
      { name: 'events.events.k8s.io' },
      { name: 'horizontalpodautoscalers.v1.autoscaling' },
    ])
      for (const cell of Object.values(row(name, {})))
        expect(['string', 'number', 'boolean']).toContain(typeof cell);
  });
});
