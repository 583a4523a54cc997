import { describe, expect, it } from 'vitest';
import { encodeStored, resourceVersionSlotBytes } from './encode-stored.js';

function stamped(object: Parameters<typeof encodeStored>[0], revision: number): unknown {
  const { bytes, stampOffset } = encodeStored(object);
  const stamp = `"${revision}"`.padEnd(resourceVersionSlotBytes);
  bytes.set(new TextEncoder().encode(stamp), stampOffset);
  return JSON.parse(new TextDecoder().decode(bytes));
}

describe('encodeStored', () => {
  it.each([
    [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'ü', namespace: 'default' }, spec: { a: 'é' } }],
    [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }],
    [{ apiVersion: 'example.com/ü', kind: 'Ünï', metadata: { name: 'a' }, data: {} }],
  ])('leaves a slot that takes the revision: %j', (object) => {
    expect(stamped(object, 123456)).toEqual({
      ...object,
      metadata: { ...object.metadata, resourceVersion: '123456' },
    });
  });

  it('replaces the resourceVersion that an object came with', () => {
    expect(
      stamped({ apiVersion: 'v1', kind: 'Pod', metadata: { resourceVersion: '5', name: 'a' } }, 9),
    ).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { resourceVersion: '9', name: 'a' },
    });
  });

  it('puts apiVersion, kind and metadata first', () => {
    const { bytes } = encodeStored({ spec: {}, metadata: { name: 'a' }, kind: 'Pod', apiVersion: 'v1' });
    expect(new TextDecoder().decode(bytes)).toBe(
      `{"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":${' '.repeat(18)},"name":"a"},"spec":{}}`,
    );
  });
});
