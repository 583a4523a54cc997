import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '#libs/apimachinery';
import { cachedForm } from './cached-form.js';

interface TestPod extends KubernetesObject {
  readonly spec: { readonly nodeName: string; readonly containers: readonly { readonly name: string }[] };
}

const pod = (name: string, image: string): TestPod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels: { app: 'shop', 'pod-template-hash': '5d4f8c7b9', tier: 'a name long enough to share' },
    managedFields: [{ apiVersion: 'v1', manager: 'test', operation: 'Update' }],
  },
  spec: { nodeName: name, containers: [{ name: 'main', image, note: 'x'.repeat(64) }] as never },
});

describe('the form that informers cache', () => {
  it('lacks managedFields and is equal otherwise', () => {
    const { managedFields: _, ...metadata } = pod('a', 'app:1').metadata;
    expect(cachedForm(pod('a', 'app:1'))).toEqual({ ...pod('a', 'app:1'), metadata });
  });

  it('shares the parts that two objects have in common, and only those', () => {
    const [a, b, c] = [pod('a', 'app:1'), pod('b', 'app:1'), pod('c', 'app:2')].map(cachedForm);
    expect(b?.spec.containers).toBe(a?.spec.containers);
    expect(b?.metadata.labels).toBe(a?.metadata.labels);
    expect(c?.spec.containers).not.toBe(a?.spec.containers);
    expect([a, b, c].map((one) => one?.spec.nodeName)).toEqual(['a', 'b', 'c']);
  });

  it('is the same for every informer that is given the object', () => {
    const one = pod('a', 'app:1');
    expect(cachedForm(one)).toBe(cachedForm(one));
  });

  it('leaves alone what it was given', () => {
    const one = pod('a', 'app:1');
    cachedForm(one);
    expect(one).toEqual(pod('a', 'app:1'));
  });
});
