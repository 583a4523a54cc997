import { describe, expect, it } from 'vitest';
import { structureResources } from '../structure/schema.js';
import type { KubernetesObject } from '../types.js';
import { kindDefinitions } from './index.js';
import { create, declarationOf, refusal, update } from './testing.js';

describe('kinds', () => {
  it('belong each to a resource of the structure, and once', () => {
    const served = new Set(
      structureResources().map(({ group, version, resource }) => `${group}/${version}/${resource}`),
    );
    const anyVersion = new Set(structureResources().map(({ group, resource }) => `${group}/*/${resource}`));
    const keys = kindDefinitions.flatMap(({ group, resource, versions = ['*'] }) =>
      versions.map((version) => `${group}/${version}/${resource}`),
    );
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    expect(keys.filter((key) => !served.has(key) && !anyVersion.has(key))).toEqual([]);
  });
});

describe('metadata', () => {
  it.each([
    [
      { name: 'A_b' },
      /metadata\.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '\.'/,
    ],
    [{ name: 'x'.repeat(254) }, /must be no more than 253 characters/],
    [{ labels: { 'a b': 'c' } }, /metadata\.labels: Invalid value: "a b": name part must consist of/],
    [
      { labels: { a: 'c d' } },
      /metadata\.labels: Invalid value: "c d": a valid label must be an empty string or consist of/,
    ],
    [{ labels: { '/a': 'b' } }, /prefix part must be non-empty/],
    [{ labels: { 'a/b/c': 'b' } }, /a valid label key must consist of/],
    [
      { annotations: { a: 'x'.repeat(256 * 1024) } },
      /metadata\.annotations: Too long: may not be more than 262144 bytes/,
    ],
    [{ finalizers: ['x y'] }, /metadata\.finalizers: Invalid value: "x y"/],
    [{ finalizers: ['custom'] }, /name is neither a standard finalizer name nor is it fully qualified/],
    [{ finalizers: ['orphan', 'foregroundDeletion'] }, /cannot be both set/],
    [
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p' }] },
      /uid: Invalid value: "": must not be empty/,
    ],
    [{ generateName: 'A_b-', name: 'a' }, /metadata\.generateName: Invalid value: "A_b-"/],
  ])('refuses %j', (metadata, message) => {
    expect(refusal(() => create('configmaps', { metadata }))).toMatch(message);
  });

  it('takes names by the rule of their kind', () => {
    expect(create('roles.rbac.authorization.k8s.io', { metadata: { name: 'system:a' } }).metadata.name).toBe(
      'system:a',
    );
    expect(refusal(() => create('namespaces', { metadata: { name: 'a.b' } }))).toMatch(
      /must not contain dots/,
    );
  });

  it.each<[string, (copy: KubernetesObject) => void, RegExp]>([
    ['name', (copy) => (copy.metadata.name = 'b'), /metadata\.name: Invalid value: "b": field is immutable/],
    [
      'uid',
      (copy) => (copy.metadata.uid = 'other'),
      /metadata\.uid: Invalid value: "other": field is immutable/,
    ],
    [
      'new finalizers while it is deleted',
      (copy) => (copy.metadata.finalizers = ['a/b']),
      /no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"a\/b"\}/,
    ],
  ])('refuses an update of %s', (_what, change, message) => {
    const before = { ...create('configmaps', {}) };
    before.metadata = { ...before.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(refusal(() => update('configmaps', before, change))).toMatch(message);
  });
});

describe('namespace', () => {
  it('is born with its finalizer, label and phase', () => {
    expect(create('namespaces', { metadata: { name: 'x' } })).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'x' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  it('loses finalizers by the finalize subresource alone', () => {
    const before = create('namespaces', { metadata: { name: 'x' } });
    const drop = (copy: KubernetesObject): void => void (copy['spec'] = {});
    expect(update('namespaces', before, drop)['spec']).toEqual({ finalizers: ['kubernetes'] });
    expect(update('namespaces', before, drop, 'finalize')['spec']).toEqual({});
  });
});

describe('config map and secret', () => {
  it('turns stringData into data', () => {
    const object = create('secrets', { stringData: { a: 'ü', b: 'x' }, data: { b: 'YQ==', c: 'Yg==' } });
    expect(object).toMatchObject({ type: 'Opaque', data: { a: 'w7w=', b: 'eA==', c: 'Yg==' } });
    expect(object['stringData']).toBeUndefined();
  });

  it('keeps a key named __proto__ as data', () => {
    const body = JSON.parse('{"stringData":{"__proto__":"x"}}') as object;
    expect(Object.keys(create('secrets', body)['data'] as object)).toEqual(['__proto__']);
  });

  it.each([
    [
      'secrets',
      { type: 'kubernetes.io/tls' },
      /data\[tls\.crt\]: Required value, data\[tls\.key\]: Required value/,
    ],
    [
      'configmaps',
      { data: { 'a b': 'x' } },
      /data\[a b\]: Invalid value: "a b": a valid config key must consist of/,
    ],
    ['configmaps', { data: { '..': 'x' } }, /must not be '\.\.'/],
    ['configmaps', { data: { a: 'x' }, binaryData: { a: 'eA==' } }, /duplicate of key present in binaryData/],
  ])('refuses %s %j', (resource, body, message) => {
    expect(refusal(() => create(resource, body))).toMatch(message);
  });

  it('does not change once immutable', () => {
    const before = create('configmaps', { immutable: true, data: { a: 'b' } });
    expect(refusal(() => update('configmaps', before, (copy) => (copy['data'] = { a: 'c' })))).toBe(
      'ConfigMap "a" is invalid: data: Forbidden: field is immutable when `immutable` is set',
    );
    expect(refusal(() => update('configmaps', before, (copy) => delete copy['immutable']))).toMatch(
      /immutable: Forbidden/,
    );
    expect(
      update('configmaps', before, (copy) => (copy.metadata.labels = { a: 'b' })).metadata.labels,
    ).toEqual({ a: 'b' });
  });
});

describe('service', () => {
  const service = (spec: object): object => ({ spec: { ports: [{ port: 80 }], ...spec } });

  it('has the defaults of core/v1', () => {
    expect(create('services', service({}))['spec']).toEqual({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
  });

  it.each([
    [{ ports: [] }, /spec\.ports: Required value/],
    [
      { ports: [{ port: 80 }, { port: 81 }] },
      /spec\.ports\[0\]\.name: Required value, spec\.ports\[1\]\.name: Required value/,
    ],
    [{ type: 'ExternalName' }, /spec\.externalName: Required value/],
    [{ type: 'NodePort', clusterIP: 'None' }, /may not be set to 'None' for NodePort services/],
    [{ ports: [{ port: 80, nodePort: 30000 }] }, /may not be used when `type` is 'ClusterIP'/],
    [{ externalIPs: ['127.0.0.1'] }, /may not be in the loopback range/],
    [{ externalIPs: ['169.254.169.254'] }, /may not be in the link-local range/],
    [{ sessionAffinity: 'X' }, /supported values: "ClientIP", "None"/],
  ])('refuses %j', (spec, message) => {
    expect(refusal(() => create('services', service(spec)))).toMatch(message);
  });

  const allocated = create(
    'services',
    service({ type: 'NodePort', clusterIP: '10.0.0.1', ports: [{ port: 80, nodePort: 30000 }] }),
  );
  const specOf = (copy: KubernetesObject) => copy['spec'] as Record<string, unknown>;

  it('keeps what was allocated when an update leaves it out', () => {
    const next = update(
      'services',
      allocated,
      (copy) => (copy['spec'] = { type: 'NodePort', ports: [{ port: 80 }] }),
    );
    expect(next['spec']).toMatchObject({
      clusterIP: '10.0.0.1',
      clusterIPs: ['10.0.0.1'],
      ports: [{ nodePort: 30000 }],
    });
  });

  it('gives up node ports with its type, and its addresses for an external name', () => {
    const plain = update('services', allocated, (copy) => (specOf(copy)['type'] = 'ClusterIP'));
    expect(plain['spec']).toMatchObject({
      clusterIP: '10.0.0.1',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
    expect(specOf(plain)['externalTrafficPolicy']).toBeUndefined();
    const named = update('services', allocated, (copy) =>
      Object.assign(specOf(copy), { type: 'ExternalName', externalName: 'a.b' }),
    );
    expect(specOf(named)['clusterIP']).toBeUndefined();
    expect(specOf(named)['clusterIPs']).toBeUndefined();
  });

  it('does not change its address', () => {
    expect(
      refusal(() =>
        update('services', allocated, (copy) => Object.assign(specOf(copy), { clusterIP: '10.0.0.2' })),
      ),
    ).toBe(
      'Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    );
  });
});

describe('other kinds', () => {
  it.each([
    [
      'endpointslices.discovery.k8s.io',
      { addressType: 'IPv4', endpoints: [{ addresses: ['127.0.0.1'] }] },
      /may not be in the loopback range/,
    ],
    [
      'endpointslices.discovery.k8s.io',
      { addressType: 'IPv4', endpoints: [{ addresses: ['::ffff:127.0.0.1'] }] },
      /must be an IPv4 address/,
    ],
    ['endpoints', { subsets: [{ addresses: [{ ip: '::ffff:127.0.0.1' }] }] }, /loopback/],
    [
      'poddisruptionbudgets.policy',
      { spec: { minAvailable: 1, maxUnavailable: 1 } },
      /minAvailable and maxUnavailable cannot be both set/,
    ],
    ['poddisruptionbudgets.policy', { spec: { minAvailable: '101%' } }, /must not be greater than 100%/],
    ['leases.coordination.k8s.io', { spec: { leaseDurationSeconds: 0 } }, /must be greater than 0/],
    [
      'priorityclasses.scheduling.k8s.io',
      { value: 2_000_000_000 },
      /maximum allowed value of a user defined priority is 1000000000/,
    ],
    [
      'priorityclasses.scheduling.k8s.io',
      { metadata: { name: 'system-x' }, value: 1 },
      /reserved for system use only/,
    ],
    [
      'roles.rbac.authorization.k8s.io',
      { rules: [{ verbs: [] }] },
      /rules\[0\]\.verbs: Required value: verbs must contain at least one value/,
    ],
    [
      'rolebindings.rbac.authorization.k8s.io',
      { roleRef: { kind: 'X', name: 'x' } },
      /roleRef\.kind: Unsupported value: "X": supported values: "Role", "ClusterRole"/,
    ],
    [
      'clusterrolebindings.rbac.authorization.k8s.io',
      { roleRef: { kind: 'ClusterRole', name: 'x' }, subjects: [{ kind: 'ServiceAccount', name: 's' }] },
      /subjects\[0\]\.namespace: Required value/,
    ],
    ['storageclasses.storage.k8s.io', {}, /provisioner: Required value/],
    ['persistentvolumes', { spec: {} }, /spec: Required value: must specify a volume type/],
    [
      'persistentvolumeclaims',
      { spec: {} },
      /spec\.accessModes: Required value: at least 1 access mode is required, spec\.resources\[storage\]: Required value/,
    ],
    ['ingresses.networking.k8s.io', { spec: {} }, /either `defaultBackend` or `rules` must be specified/],
    [
      'networkpolicies.networking.k8s.io',
      { spec: { podSelector: {}, ingress: [{ from: [{}] }] } },
      /must specify a peer/,
    ],
    [
      'resourcequotas',
      { spec: { hard: { foo: '1' } } },
      /must be a standard resource type or fully qualified/,
    ],
    [
      'limitranges',
      { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } },
      /min value 2 is greater than max value 1/,
    ],
    [
      'nodes',
      { spec: { taints: [{ key: 'a', effect: 'X' }] } },
      /supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"/,
    ],
    [
      'events',
      { involvedObject: { kind: 'Pod', namespace: 'other' } },
      /involvedObject\.namespace: Invalid value: "other": does not match event\.namespace/,
    ],
    [
      'horizontalpodautoscalers.autoscaling',
      { spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
      /spec\.maxReplicas: Required value: must be set and greater than 0/,
    ],
    [
      'customresourcedefinitions.apiextensions.k8s.io',
      {
        metadata: { name: 'x' },
        spec: { group: 'ex.com', names: { plural: 'foos', kind: 'Foo' }, scope: 'Namespaced', versions: [] },
      },
      /must be spec\.names\.plural\+"\."\+spec\.group/,
    ],
  ])('%s refuses %j', (resource, body, message) => {
    expect(refusal(() => create(resource, body))).toMatch(message);
  });

  it('fills in what bindings, policies, ranges and claims leave open', () => {
    expect(
      create('rolebindings.rbac.authorization.k8s.io', {
        roleRef: { kind: 'Role', name: 'x' },
        subjects: [{ kind: 'User', name: 'u' }],
      }),
    ).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }],
    });
    expect(
      create('networkpolicies.networking.k8s.io', { spec: { podSelector: {}, egress: [{}] } })['spec'],
    ).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
    expect(
      create('limitranges', {
        spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { memory: '1Mi' } }] },
      })['spec'],
    ).toMatchObject({
      limits: [{ default: { cpu: '1' }, defaultRequest: { cpu: '1', memory: '1Mi' } }],
    });
    expect(create('nodes', { status: { capacity: { cpu: '4' } } })['status']).toEqual({
      capacity: { cpu: '4' },
      allocatable: { cpu: '4' },
    });
    expect(
      create('customresourcedefinitions.apiextensions.k8s.io', {
        metadata: { name: 'foos.ex.com' },
        spec: {
          group: 'ex.com',
          names: { plural: 'foos', kind: 'Foo' },
          scope: 'Namespaced',
          versions: [
            { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
          ],
        },
      }),
    ).toMatchObject({
      spec: { names: { singular: 'foo', listKind: 'FooList' }, conversion: { strategy: 'None' } },
      status: { storedVersions: ['v1'] },
    });
  });

  it('lets the approval of a signing request change its conditions alone', () => {
    const before = create('certificatesigningrequests.certificates.k8s.io', {
      spec: { signerName: 'a/b', request: 'eA==', usages: ['client auth'] },
    });
    const change = (copy: KubernetesObject): void => {
      copy['status'] = { conditions: [{ type: 'Approved', status: 'True' }], certificate: 'eA==' };
      copy['spec'] = { signerName: 'other/signer' };
    };
    const approved = update('certificatesigningrequests.certificates.k8s.io', before, change, 'approval');
    expect(approved['spec']).toEqual(before['spec']);
    expect(approved['status']).toEqual({ conditions: [{ type: 'Approved', status: 'True' }] });
    expect(update('certificatesigningrequests.certificates.k8s.io', before, change)['status']).toEqual({});
  });
});

describe('versions that share storage', () => {
  const roundTrips: [string, KubernetesObject][] = [
    [
      'events.events.k8s.io',
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'a' },
        regarding: { kind: 'Pod' },
        note: 'n',
        reportingController: 'c',
        deprecatedCount: 2,
      },
    ],
    [
      'horizontalpodautoscalers.v1.autoscaling',
      {
        apiVersion: 'autoscaling/v1',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'a' },
        spec: { maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
        status: { currentReplicas: 1, desiredReplicas: 2, currentCPUUtilizationPercentage: 10 },
      },
    ],
    [
      'resourceclaims.v1beta1.resource.k8s.io',
      {
        apiVersion: 'resource.k8s.io/v1beta1',
        kind: 'ResourceClaim',
        metadata: { name: 'a' },
        spec: { devices: { requests: [{ name: 'r', deviceClassName: 'c' }] } },
      },
    ],
    [
      'resourceslices.v1beta1.resource.k8s.io',
      {
        apiVersion: 'resource.k8s.io/v1beta1',
        kind: 'ResourceSlice',
        metadata: { name: 'a' },
        spec: { devices: [{ name: 'd', basic: { attributes: { x: { int: 1 } } } }] },
      },
    ],
    [
      'ipaddresses.v1beta1.networking.k8s.io',
      {
        apiVersion: 'networking.k8s.io/v1beta1',
        kind: 'IPAddress',
        metadata: { name: '10.0.0.1' },
        spec: { parentRef: { name: 'x' } },
      },
    ],
  ];

  it.each(roundTrips)('%s comes back from storage as it went in', (name, object) => {
    const { toStorage, fromStorage, storageVersion } = declarationOf(name);
    const before = structuredClone(object);
    const stored = toStorage!(object);
    expect(stored.apiVersion.endsWith(storageVersion.version)).toBe(true);
    expect(fromStorage!(stored)).toEqual(before);
    expect(object).toEqual(before);
  });

  it('carries in annotations what autoscaling/v1 cannot say', () => {
    const { toStorage, fromStorage } = declarationOf('horizontalpodautoscalers.v1.autoscaling');
    const v2 = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'a' },
      spec: {
        maxReplicas: 3,
        metrics: [{ type: 'Pods', pods: { metric: { name: 'm' } } }],
        behavior: { scaleUp: { selectPolicy: 'Min' } },
      },
      status: { currentReplicas: 0, currentMetrics: [], conditions: [{ type: 'AbleToScale' }] },
    };
    expect(toStorage!(fromStorage!(v2))).toEqual(v2);
  });
});
