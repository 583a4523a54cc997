import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaOf } from '../structure/schema.js';
import type { Json, JsonObject, KubernetesObject } from '../types.js';
import {
  difference,
  emptySet,
  equalSets,
  intersection,
  memberPaths,
  parseFieldSet,
  union,
} from './field-set.js';
import { applyPatch, trackUpdate, type FieldSet } from './index.js';

const deploymentSchema = schemaOf('io.k8s.api.apps.v1.Deployment');
const podSchema = schemaOf('io.k8s.api.core.v1.Pod');
const configMapSchema = schemaOf('io.k8s.api.core.v1.ConfigMap');
const now = '2026-01-02T03:04:05Z';

function deployment(parts: JsonObject): KubernetesObject {
  const { metadata, ...rest } = parts;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', ...(metadata as JsonObject | undefined) },
    ...rest,
  };
}

function configMap(data: Record<string, string>, metadata: JsonObject = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', ...metadata }, data };
}

function apply(
  live: KubernetesObject | undefined,
  applied: KubernetesObject,
  manager: string,
  options: { force?: boolean; subresource?: string } = {},
) {
  const schema = applied.kind === 'ConfigMap' ? configMapSchema : deploymentSchema;
  const { force = false, subresource = '' } = options;
  const before = JSON.stringify([live, applied]);
  const result = applyPatch({
    live,
    applied,
    manager,
    force,
    schema,
    apiVersion: applied.apiVersion,
    subresource,
    now,
  });
  expect(JSON.stringify([live, applied])).toBe(before);
  return result;
}

function track(
  before: KubernetesObject | undefined,
  after: KubernetesObject,
  manager: string,
  subresource = '',
) {
  const schema = after.kind === 'ConfigMap' ? configMapSchema : deploymentSchema;
  const managedFields = trackUpdate({
    before,
    after,
    schema,
    manager,
    apiVersion: after.apiVersion,
    subresource,
    now,
  });
  return { ...after, metadata: { ...after.metadata, managedFields } };
}

function ownedBy(object: KubernetesObject, manager: string): string[] | undefined {
  const entry = object.metadata.managedFields?.find((each) => each.manager === manager);
  return entry && memberPaths(entry.fieldsV1 as unknown as FieldSet);
}

const containers = (object: KubernetesObject) =>
  ((object['spec'] as JsonObject)['template'] as { spec: { containers: JsonObject[] } }).spec.containers;

const live = track(
  undefined,
  deployment({
    metadata: { labels: { app: 'web' } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ name: 'c', image: 'nginx:1', imagePullPolicy: 'Always' }] } },
    },
  }),
  'test',
);

describe('trackUpdate', () => {
  it('gives the creator of a pod the fields that kube-apiserver 1.36 gives it', () => {
    const pod: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        namespace: 'default',
        uid: 'u',
        resourceVersion: '1',
        creationTimestamp: now,
        labels: { app: 'web', x: '' },
        finalizers: ['example.com/f'],
      },
      spec: {
        containers: [
          {
            name: 'c',
            image: 'nginx:1',
            resources: {},
            ports: [
              { containerPort: 80, protocol: 'TCP' },
              { containerPort: 80, protocol: 'UDP' },
            ],
            env: [{ name: 'NN', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
          },
        ],
        securityContext: {},
        volumes: [{ name: 't', emptyDir: {} }],
      },
      status: { phase: 'Pending' },
    };
    const entries = trackUpdate({
      before: undefined,
      after: pod,
      schema: podSchema,
      manager: 'kubectl-create',
      apiVersion: 'v1',
      subresource: '',
      now,
    });
    expect(entries).toEqual([
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'v1',
        time: now,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': {
            'f:finalizers': { '.': {}, 'v:"example.com/f"': {} },
            'f:labels': { '.': {}, 'f:app': {}, 'f:x': {} },
          },
          'f:spec': {
            'f:containers': {
              'k:{"name":"c"}': {
                '.': {},
                'f:env': {
                  '.': {},
                  'k:{"name":"NN"}': { '.': {}, 'f:name': {}, 'f:valueFrom': { '.': {}, 'f:fieldRef': {} } },
                },
                'f:image': {},
                'f:name': {},
                'f:ports': {
                  '.': {},
                  'k:{"containerPort":80,"protocol":"TCP"}': {
                    '.': {},
                    'f:containerPort': {},
                    'f:protocol': {},
                  },
                  'k:{"containerPort":80,"protocol":"UDP"}': {
                    '.': {},
                    'f:containerPort': {},
                    'f:protocol': {},
                  },
                },
                'f:resources': {},
              },
            },
            'f:securityContext': {},
            'f:volumes': { '.': {}, 'k:{"name":"t"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
          },
        },
      },
    ]);
  });

  it('moves a field to whoever changes it, and leaves time alone where nothing changed', () => {
    const created = track(undefined, configMap({ a: '1', b: '2' }), 'one');
    const changed = track(created, configMap({ a: '9', b: '2' }), 'two');
    expect(ownedBy(changed, 'one')).toEqual(['.data', '.data.b']);
    expect(ownedBy(changed, 'two')).toEqual(['.data.a']);
    const again = trackUpdate({
      before: changed,
      after: changed,
      schema: configMapSchema,
      manager: 'three',
      apiVersion: 'v1',
      subresource: '',
      now: 'later',
    });
    expect(again).toEqual(changed.metadata.managedFields);
  });

  it('forgets fields that are removed, and managers that own nothing', () => {
    const created = track(undefined, configMap({ a: '1' }), 'one');
    const other = track(created, configMap({ a: '1', b: '2' }), 'two');
    expect(ownedBy(track(other, configMap({ a: '1' }), 'three'), 'two')).toBeUndefined();
  });

  it('owns on the status subresource only the status, and elsewhere never', () => {
    const updated = track(live, { ...live, status: { replicas: 1 } }, 'kcm', 'status');
    expect(updated.metadata.managedFields?.find(({ manager }) => manager === 'kcm')).toMatchObject({
      manager: 'kcm',
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:replicas': {} } },
    });
    expect(ownedBy(track(live, { ...live, status: { replicas: 1 } }, 'kcm'), 'kcm')).toBeUndefined();
  });

  it('starts anew on [] and [{}], takes entries that a request brings, and keeps its own where they cannot be read', () => {
    const created = track(undefined, configMap({ a: '1' }), 'one');
    const reset = configMap({ a: '1' }, { managedFields: [{}] });
    expect(track(created, reset, 'two').metadata.managedFields).toEqual([]);
    const brought = [
      {
        manager: 'm',
        operation: 'Apply',
        apiVersion: 'v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:a': {} } },
      },
    ];
    const migrated = configMap({ a: '1' }, { managedFields: brought });
    expect(track(created, migrated, 'two').metadata.managedFields).toEqual(brought);
    const broken = configMap(
      { a: '1' },
      { managedFields: [{ ...brought[0], fieldsV1: { bad: {} } }] as Json },
    );
    expect(ownedBy(track(created, broken, 'two'), 'one')).toEqual(['.data', '.data.a']);
  });

  it('lets a write pass that it cannot track', () => {
    const broken = deployment({ spec: { template: { spec: { containers: [{ image: 'no name' }] } } } });
    expect(track(live, broken, 'm').metadata.managedFields).toEqual([]);
  });

  it('keeps at most ten updaters', () => {
    let object: KubernetesObject = track(undefined, configMap({}), 'm');
    for (let i = 0; i < 15; i++) {
      const data = { ...(object['data'] as Record<string, string>), [`k${i}`]: 'v' };
      object = track(object, { ...object, data } as KubernetesObject, `m${i}`);
    }
    expect(object.metadata.managedFields).toHaveLength(10);
    expect(ownedBy(object, 'ancient-changes')).toContain('.data.k0');
  });
});

describe('applyPatch', () => {
  it('creates, owning exactly what is applied', () => {
    const { object, changed } = apply(undefined, configMap({ a: 'b' }), 'x');
    expect(changed).toBe(true);
    expect(object.metadata.managedFields).toEqual([
      {
        manager: 'x',
        operation: 'Apply',
        apiVersion: 'v1',
        time: now,
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:a': {} } },
      },
    ]);
  });

  it('answers a conflict in the words of Kubernetes, and takes the field by force', () => {
    const config = deployment({ spec: { replicas: 5 } });
    expect(() => apply(live, config, 'mgr2')).toThrow(
      expect.objectContaining({
        code: 409,
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "test" using apps/v1: .spec.replicas',
        details: {
          causes: [
            {
              reason: 'FieldManagerConflict',
              message: 'conflict with "test" using apps/v1',
              field: '.spec.replicas',
            },
          ],
        },
      }),
    );
    const { object } = apply(live, config, 'mgr2', { force: true });
    expect(ownedBy(object, 'mgr2')).toEqual(['.spec.replicas']);
    expect(ownedBy(object, 'test')).not.toContain('.spec.replicas');
  });

  it('lists several conflicts by manager', () => {
    const config = deployment({
      spec: {
        template: { spec: { containers: [{ name: 'c', image: 'nginx:2', imagePullPolicy: 'Never' }] } },
      },
    });
    expect(() => apply(live, config, 'mgr3')).toThrow(
      'Apply failed with 2 conflicts: conflicts with "test" using apps/v1:\n' +
        '- .spec.template.spec.containers[name="c"].image\n- .spec.template.spec.containers[name="c"].imagePullPolicy',
    );
  });

  it('shares what two managers want to be the same, and removes what no one wants any more', () => {
    const config = (...names: string[]) =>
      deployment({
        spec: { template: { spec: { containers: names.map((name) => ({ name, image: 'nginx:1' })) } } },
      });
    const { object } = apply(live, config('c', 'd'), 'mgr2');
    expect(containers(object).map(({ name }) => name)).toEqual(['c', 'd']);
    expect(ownedBy(object, 'test')).toContain('.spec.template.spec.containers[name="c"].image');
    const { object: next } = apply(object, deployment({}), 'mgr2');
    expect(containers(next)).toEqual(containers(live));
    expect(ownedBy(next, 'mgr2')).toBeUndefined();
  });

  it('says that nothing changed when the same is applied twice', () => {
    const first = apply(live, deployment({ metadata: { labels: { z: 'y' } } }), 'm').object;
    const second = apply(first, deployment({ metadata: { labels: { z: 'y' } } }), 'm');
    expect(second).toEqual({ object: first, changed: false });
  });

  it('takes atomic values whole', () => {
    const config = deployment({ spec: { selector: { matchLabels: { other: 'x' } } } });
    expect(() => apply(live, config, 'm')).toThrow(/\.spec\.selector$/);
    const { object } = apply(live, config, 'm', { force: true });
    expect(object['spec']).toMatchObject({ selector: { matchLabels: { other: 'x' } } });
    expect((object['spec'] as JsonObject)['selector']).toEqual({ matchLabels: { other: 'x' } });
  });

  it('keeps the order of the configuration and the neighbours of the others', () => {
    const spec = (names: string[]) => ({
      spec: { template: { spec: { containers: names.map((name) => ({ name })) } } },
    });
    const before = deployment(spec(['a', 'b', 'c', 'd']));
    expect(
      containers(apply(before, deployment(spec(['d', 'new', 'b'])), 'm').object).map((c) => c['name']),
    ).toEqual(['a', 'd', 'new', 'b', 'c']);
  });

  it('lets kubectl take over what client-side apply set, and keeps the annotation in step', () => {
    const name = 'kubectl.kubernetes.io/last-applied-configuration';
    const last = JSON.stringify(configMap({ a: '1' }));
    const before = track(
      undefined,
      configMap({ a: '1', b: '2' }, { annotations: { [name]: last } }),
      'kubectl-client-side-apply',
    );
    expect(() => apply(before, configMap({ a: '3' }), 'helm')).toThrow(/\.data\.a$/);
    const { object } = apply(before, configMap({ a: '3' }), 'kubectl');
    expect(object['data']).toEqual({ a: '3', b: '2' });
    expect(JSON.parse(object.metadata.annotations![name]!)).toMatchObject({ data: { a: '3' } });
    expect(() => apply(before, configMap({ b: '3' }), 'kubectl')).toThrow(/\.data\.b$/);
  });

  it('gives the fields of an object that no one managed to "before-first-apply"', () => {
    const bare = configMap({ a: '1', b: '2' });
    const { object } = apply(bare, configMap({ a: '1' }), 'm');
    expect(ownedBy(object, 'before-first-apply')).toEqual(['.data', '.data.a', '.data.b']);
    expect(() => apply(bare, configMap({ a: '2' }), 'm')).toThrow(/before-first-apply/);
  });

  it.each([
    [configMap({}, { managedFields: [] }), 'metadata.managedFields must be nil'],
    [{ ...configMap({}), bogus: 1 }, '.bogus: field not declared in schema'],
    [
      deployment({ spec: { template: { spec: { containers: [{ image: 'x' }] } } } }),
      'omits key field "name"',
    ],
    [
      deployment({ spec: { template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } } }),
      'duplicate entries',
    ],
  ])('answers 400 to a configuration that cannot be typed', (applied, message) => {
    const attempt = () => apply(undefined, applied, 'm');
    expect(attempt).toThrow(
      expect.objectContaining({ code: 400, message: expect.stringContaining(message) as string }),
    );
  });
});

describe('field sets', () => {
  const { set } = fc.letrec<{ set: FieldSet }>((tie) => ({
    set: fc.dictionary(
      fc.constantFrom('f:a', 'f:b', '.', 'k:{"name":"x"}', 'v:1'),
      fc.oneof({ maxDepth: 3 }, fc.constant({}), tie('set')),
      { maxKeys: 4 },
    ) as fc.Arbitrary<FieldSet>,
  }));
  const members = (of: FieldSet) => new Set(memberPaths(of));
  const sets = fc
    .tuple(set, set)
    .map(([a, b]) => [parseFieldSet(a as unknown as Json)!, parseFieldSet(b as unknown as Json)!] as const);

  it('obey the algebra of sets', () => {
    fc.assert(
      fc.property(sets, ([a, b]) => {
        const [inA, inB] = [members(a), members(b)];
        expect(members(union(a, b))).toEqual(new Set([...inA, ...inB]));
        expect(members(difference(a, b))).toEqual(new Set([...inA].filter((path) => !inB.has(path))));
        expect(members(intersection(a, b))).toEqual(new Set([...inA].filter((path) => inB.has(path))));
        expect(equalSets(union(difference(a, b), intersection(a, b)), union(a, emptySet))).toBe(true);
      }),
    );
  });

  it('refuse what is no FieldsV1', () => {
    for (const bad of [1, [], { x: {} }, { 'f:a': 1 }, { 'k:x': {} }, { 'k:1': {} }, null]) {
      expect(parseFieldSet(bad as Json)).toBeUndefined();
    }
    expect(parseFieldSet({ 'k:{"b": 1, "a": 2}': {} })).toEqual({ 'k:{"a":2,"b":1}': {} });
  });
});
