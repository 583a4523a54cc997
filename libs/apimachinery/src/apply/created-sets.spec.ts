import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeStored } from '../decode/encode-stored.js';
import { schemaOf } from '../structure/schema.js';
import type { JsonObject, KubernetesObject } from '../types.js';
import { createdSet } from './created-sets.js';
import { createdFields } from './extract.js';
import { recursiveDifference } from './field-set.js';
import { trackUpdate } from './index.js';
import { unownedFields } from './managed-fields.js';

const schema = schemaOf('io.k8s.api.core.v1.Pod');

const names = fc.constantFrom('a', 'b', '1:a', '{', '}', '.', '');
const labels = fc.dictionary(names, fc.constantFrom('x', 'y', ''), { maxKeys: 3 });
const containers = fc.uniqueArray(names, { maxLength: 3 }).chain((chosen) =>
  fc.tuple(
    ...chosen.map((name) =>
      fc.record(
        {
          name: fc.constant(name),
          image: fc.constantFrom('i', 'j', null),
          command: fc.array(names, { maxLength: 2 }),
          ports: fc.array(fc.record({ containerPort: fc.integer({ min: 1, max: 3 }) }), { maxLength: 1 }),
          resources: fc.record({ requests: labels }, { requiredKeys: [] }),
        },
        { requiredKeys: ['name'] },
      ),
    ),
  ),
);
const pods = fc.record(
  {
    apiVersion: fc.constant('v1'),
    kind: fc.constant('Pod'),
    metadata: fc.record(
      { name: names, labels, finalizers: fc.uniqueArray(names) },
      { requiredKeys: ['name'] },
    ),
    spec: fc.record({ containers, nodeSelector: labels }, { requiredKeys: [] }),
    status: fc.record({ phase: names }),
  },
  { requiredKeys: ['apiVersion', 'kind', 'metadata'] },
);

describe('createdSet', () => {
  it('is what a fresh walk gives, whatever was asked for before', () => {
    fc.assert(
      fc.property(pods, fc.constantFrom('', 'status'), (pod, subresource) => {
        const object = pod as unknown as JsonObject;
        const walked = recursiveDifference(createdFields(object, schema), unownedFields(subresource));
        expect(createdSet(object, schema, subresource)).toEqual(walked);
      }),
      { numRuns: 2000 },
    );
  });

  it('is shared by objects of one template, and written as any other set', () => {
    const pod = (name: string): KubernetesObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app: 'ü"' } },
      spec: { containers: [{ name: 'c', image: name }] },
    });
    const tracked = ['a', 'b'].map((name) => {
      const after = pod(name);
      const now = '2026-01-02T03:04:05Z';
      const request = {
        before: undefined,
        after,
        schema,
        manager: 'm"',
        apiVersion: 'v1',
        subresource: '',
        now,
      };
      after.metadata.managedFields = trackUpdate(request);
      return after;
    });
    const [a, b] = tracked.map(({ metadata }) => metadata.managedFields?.[0]?.fieldsV1);
    expect(a).toBe(b);
    for (const object of tracked) {
      const text = new TextDecoder().decode(encodeStored(object).bytes).replace(/ {18}/, '"1"');
      expect(JSON.parse(text)).toEqual({ ...object, metadata: { ...object.metadata, resourceVersion: '1' } });
    }
  });
});
