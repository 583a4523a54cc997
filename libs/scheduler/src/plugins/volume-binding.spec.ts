import type { PersistentVolumeClaim } from '#libs/client';
import { describe, expect, it } from 'vitest';
import { Fixture } from '../testing/fixture.js';
import { makeNode, makePod } from '../testing/objects.js';

const pod = makePod('db', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] });
const claim = (volumeName?: string): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'default' },
  spec: volumeName === undefined ? {} : { volumeName },
  status: { phase: volumeName === undefined ? 'Pending' : 'Bound' },
});

describe('a pod with a claim', () => {
  it('waits until the claim exists and is bound, then goes where its volume is', () => {
    const fixture = new Fixture([makeNode('a'), makeNode('b')]);
    const head = '0/2 nodes are available: ';
    expect(fixture.choose(pod)).toBe(`${head}persistentvolumeclaim "data" not found.`);
    fixture.claims.set('default/data', claim());
    expect(fixture.choose(pod)).toBe(`${head}pod has unbound immediate PersistentVolumeClaims.`);
    fixture.claims.set('default/data', claim('disk'));
    expect(fixture.choose(pod)).toBe(`${head}persistentvolume "disk" not found.`);
    const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['b'] }];
    const required = { nodeSelectorTerms: [{ matchFields }] };
    const disk = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk' } };
    fixture.volumes.set('disk', { ...disk, spec: { nodeAffinity: { required } } });
    expect(fixture.choose(pod)).toBe('b');
    fixture.cache.removeNode('b');
    expect(fixture.choose(pod)).toBe(
      "0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity.",
    );
  });
});
