import fc from 'fast-check';
import { createPatch } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { schemaOf } from '../structure/schema.js';
import type { Json, JsonObject } from '../types.js';
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch } from './index.js';

// Through text and back: JSON has no negative zero.
const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Json)
  .filter((value) => !JSON.stringify(value).includes('__proto__'));
const jsonObject = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'toString'), json).map((o) => ({ ...o }));
const poisoned = JSON.parse('{"__proto__": {"polluted": true}}') as JsonObject;

describe('JSON patch', () => {
  it('applies each operation', () => {
    const document = { a: 1, list: [1, 2, 3], 'x/y~z': 0 };
    const patch = [
      { op: 'test', path: '/a', value: 1 },
      { op: 'add', path: '/b', value: { c: null } },
      { op: 'add', path: '/list/1', value: 9 },
      { op: 'add', path: '/list/-', value: 4 },
      { op: 'remove', path: '/list/0' },
      { op: 'replace', path: '/x~1y~0z', value: 5 },
      { op: 'move', from: '/a', path: '/moved' },
      { op: 'copy', from: '/b', path: '/copied' },
    ];
    expect(applyJsonPatch(document, patch)).toEqual({
      b: { c: null },
      list: [9, 2, 3, 4],
      'x/y~z': 5,
      moved: 1,
      copied: { c: null },
    });
    expect(document).toEqual({ a: 1, list: [1, 2, 3], 'x/y~z': 0 });
  });

  it('makes of any document the one that a patch was made for, as another implementation sees it', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (before, after) => {
        const frozen = JSON.stringify(before);
        const patch = createPatch(before, after) as unknown as Json;
        expect(applyJsonPatch(before, patch)).toEqual(after);
        expect(JSON.stringify(before)).toBe(frozen);
      }),
    );
  });

  it.each([
    [[{ op: 'replace', path: '/none', value: 1 }]],
    [[{ op: 'remove', path: '/none' }]],
    [[{ op: 'add', path: '/none/x', value: 1 }]],
    [[{ op: 'add', path: '/list/7', value: 1 }]],
    [[{ op: 'add', path: '/list/01', value: 1 }]],
    [[{ op: 'test', path: '/a', value: 2 }]],
    [[{ op: 'test', path: '/toString', value: 2 }]],
    [[{ op: 'move', from: '/a', path: '/a/b' }]],
    [[{ op: 'add', path: 'a', value: 1 }]],
    [[{ op: 'add', path: '/__proto__/polluted', value: true }]],
  ])('answers 422 to %j', (patch) => {
    expect(() => applyJsonPatch({ a: {}, list: [] }, patch)).toThrow(
      expect.objectContaining({ code: 422, reason: 'Invalid' }),
    );
  });

  it.each([
    {},
    'x',
    [1],
    [{ op: 'jump', path: '/a' }],
    [{ op: 'add', path: '/a' }],
    [{ op: 'copy', path: '/a' }],
  ])('answers 400 to %j', (patch) => {
    expect(() => applyJsonPatch({}, patch as Json)).toThrow(expect.objectContaining({ code: 400 }));
  });

  it('bounds operations and what copies may add', () => {
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: {} }));
    expect(() => applyJsonPatch({}, many)).toThrow(expect.objectContaining({ code: 413 }));
    const doubling = Array.from({ length: 40 }, (_, index) => ({ op: 'copy', from: '', path: `/k${index}` }));
    expect(() => applyJsonPatch({ x: 'y'.repeat(1000) }, doubling)).toThrow(/accumulated size/);
    const deepening = Array.from({ length: 60 }, () => ({ op: 'copy', from: '', path: '/a'.repeat(200) }));
    const seed = applyJsonPatch({}, [{ op: 'add', path: '/a', value: nested(199) }]);
    expect(() => applyJsonPatch(seed, deepening)).toThrow(expect.objectContaining({ code: 422 }));
  });
});

describe('JSON merge patch', () => {
  it.each<[JsonObject, JsonObject, JsonObject]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: 'x' }, { a: { b: { c: null } } }, { a: { b: {} } }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { constructor: { prototype: 1 } }, { constructor: { prototype: 1 } } as unknown as JsonObject],
  ])('%j with %j is %j', (document, patch, result) => {
    expect(applyMergePatch(document, patch)).toEqual(result);
  });

  it('refuses what is no object, and keys of the prototype', () => {
    expect(() => applyMergePatch({}, [])).toThrow(expect.objectContaining({ code: 400 }));
    expect(() => applyMergePatch({}, { a: poisoned })).toThrow(expect.objectContaining({ code: 400 }));
    expect(({} as JsonObject)['polluted']).toBeUndefined();
  });

  it('refuses nesting that would exhaust the stack', () => {
    expect(() => applyMergePatch({}, { a: nested(20_000) })).toThrow(expect.objectContaining({ code: 400 }));
  });

  it('leaves both arguments as they were and shares nothing with them', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (document, patch) => {
        const before = JSON.stringify([document, patch]);
        scribble(applyMergePatch(document, patch));
        expect(JSON.stringify([document, patch])).toBe(before);
      }),
    );
  });
});

describe('strategic merge patch', () => {
  const pod = schemaOf('io.k8s.api.core.v1.Pod');
  const deployment = schemaOf('io.k8s.api.apps.v1.Deployment');
  const service = schemaOf('io.k8s.api.core.v1.Service');
  const containers = [
    { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: 'b:1' },
  ];
  const patched = (spec: Json) =>
    (applyStrategicMergePatch({ spec: { containers } }, { spec }, pod)['spec'] as JsonObject)['containers'];

  it('merges lists by their key', () => {
    expect(patched({ containers: [{ name: 'b', image: 'b:2' }, { name: 'c' }] })).toEqual([
      containers[0],
      { name: 'b', image: 'b:2' },
      { name: 'c' },
    ]);
    expect(patched({ containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] })).toEqual([
      {
        name: 'a',
        image: 'a:1',
        env: [
          { name: 'Y', value: '2' },
          { name: 'X', value: '1' },
        ],
      },
      containers[1],
    ]);
  });

  it('deletes an element, and replaces a list or a map', () => {
    expect(patched({ containers: [{ $patch: 'delete', name: 'a' }] })).toEqual([containers[1]]);
    expect(patched({ containers: [{ $patch: 'replace' }, { name: 'c' }] })).toEqual([{ name: 'c' }]);
    expect(patched({ $patch: 'replace', containers: [] })).toEqual([]);
    expect(patched({ $patch: 'delete' })).toBeUndefined();
  });

  it('obeys $setElementOrder, with what only the server has kept beside its neighbours', () => {
    expect(
      patched({
        '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }],
        containers: [{ name: 'c', image: 'c:1' }],
      }),
    ).toEqual([{ name: 'c', image: 'c:1' }, containers[0], containers[1]]);
    expect(patched({ '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] })).toEqual([
      containers[1],
      containers[0],
    ]);
  });

  it('refuses an element order that the list contradicts', () => {
    expect(() =>
      patched({ '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'z' }] }),
    ).toThrow(/doesn't match \$setElementOrder list/);
  });

  it('retains only the keys that are named', () => {
    const live = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(applyStrategicMergePatch(live, patch, deployment)).toEqual({
      spec: { strategy: { type: 'Recreate' } },
    });
    const wrong = { spec: { strategy: { $retainKeys: ['rollingUpdate'], type: 'Recreate' } } };
    expect(() => applyStrategicMergePatch(live, wrong, deployment)).toThrow(
      'invalid patch format of retainKeys',
    );
  });

  it('merges and deletes primitives of a set', () => {
    const live = { metadata: { finalizers: ['a', 'b'] } };
    expect(applyStrategicMergePatch(live, { metadata: { finalizers: ['b', 'c'] } }, pod)).toEqual({
      metadata: { finalizers: ['a', 'b', 'c'] },
    });
    expect(
      applyStrategicMergePatch(live, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, pod),
    ).toEqual({ metadata: { finalizers: ['b'] } });
  });

  it('replaces lists that declare no strategy, removes by null, and merges maps of labels', () => {
    const live = { metadata: { labels: { a: '1', b: '2' } }, spec: { tolerations: [{ key: 'x' }] } };
    const patch = { metadata: { labels: { a: null, c: '3' } }, spec: { tolerations: [] } };
    expect(applyStrategicMergePatch(live, patch, pod)).toEqual({
      metadata: { labels: { b: '2', c: '3' } },
      spec: { tolerations: [] },
    });
  });

  it('says which element lacks its key', () => {
    expect(() =>
      applyStrategicMergePatch(
        { spec: { ports: [{ port: 80 }] } },
        { spec: { ports: [{ name: 'x' }] } },
        service,
      ),
    ).toThrow(
      expect.objectContaining({
        code: 422,
        message: expect.stringContaining('does not contain declared merge key: port') as string,
      }),
    );
  });

  it('refuses to mix maps and primitives in a list', () => {
    expect(() => patched({ containers: ['a'] })).toThrow('list element types are not identical');
  });

  it('keeps no directive in what is new', () => {
    expect(
      applyStrategicMergePatch(
        {},
        {
          spec: {
            $retainKeys: ['containers'],
            containers: [{ name: 'a' }, { $patch: 'delete', name: 'b' }],
            x: null,
          },
        },
        pod,
      ),
    ).toEqual({ spec: { containers: [{ name: 'a' }] } });
  });

  it('is pure, and answers every patch with an object or an ApiError', () => {
    const directive = fc.constantFrom(
      'spec',
      'containers',
      'name',
      'metadata',
      'finalizers',
      '$patch',
      '$retainKeys',
      '$setElementOrder/containers',
      '$deleteFromPrimitiveList/finalizers',
      'env',
      'constructor',
    );
    const leaf = fc.constantFrom<Json>(
      null,
      'a',
      'delete',
      'replace',
      1,
      [],
      ['a'],
      [{ name: 'a' }],
      [{ name: 'a' }, 1],
    );
    const few = { maxKeys: 3 };
    const { patch } = fc.letrec<{ patch: Json }>((tie) => ({
      patch: fc.dictionary(
        directive,
        fc.oneof({ maxDepth: 3 }, leaf, tie('patch'), fc.array(tie('patch'), { maxLength: 3 })),
        few,
      ) as fc.Arbitrary<Json>,
    }));
    const before = JSON.stringify({ metadata: { finalizers: ['a'] }, spec: { containers } });
    fc.assert(
      fc.property(patch, (change) => {
        const live = JSON.parse(before) as JsonObject;
        const written = JSON.stringify(change);
        try {
          scribble(applyStrategicMergePatch(live, change, pod));
        } catch (error) {
          expect(error).toMatchObject({ name: 'ApiError' });
        }
        expect(JSON.stringify(live)).toBe(before);
        expect(JSON.stringify(change)).toBe(written);
      }),
      { numRuns: 1000 },
    );
  });
});

function nested(levels: number): Json {
  let value: Json = {};
  for (let i = 0; i < levels; i++) value = { a: value };
  return value;
}

/** Writes on every object below, so that whoever shares one shows it. */
function scribble(value: Json | undefined): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) scribble(item);
    value.push('scribbled');
    return;
  }
  for (const key of Object.keys(value)) scribble(value[key]);
  value['scribbled'] = true;
}
