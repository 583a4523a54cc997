import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesObject, OwnerReference } from '#libs/apimachinery';
import { serveDiscovery } from '../testing/discovery.js';
import { createHarness, object, settle, until, type Harness } from '../testing/harness.js';
import { createGarbageCollector } from './garbage-collector.js';

describe('garbage collector', () => {
  let harness: Harness;
  const maps = () =>
    harness.api
      .list('configmaps')
      .map((each) => each.metadata.name ?? '')
      .toSorted();
  const get = (name: string, namespace = 'default') => harness.api.get('configmaps', namespace, name);
  const put = (
    name: string,
    owners: (KubernetesObject | OwnerReference)[] = [],
    more: Partial<KubernetesObject['metadata']> = {},
    namespace = 'default',
  ) =>
    harness.api.put(
      'configmaps',
      object('v1', 'ConfigMap', name, {
        namespace,
        metadata: { ownerReferences: owners.map(reference), ...more },
      }),
    );
  const reference = (owner: KubernetesObject | OwnerReference): OwnerReference =>
    'metadata' in owner
      ? { apiVersion: 'v1', kind: owner.kind, name: owner.metadata.name ?? '', uid: owner.metadata.uid ?? '' }
      : (owner as OwnerReference);
  const client = () => harness.context.client.resource({ group: '', version: 'v1', resource: 'configmaps' });
  const remove = (name: string, propagationPolicy?: 'Foreground' | 'Orphan' | 'Background') =>
    client().delete(name, {
      namespace: 'default',
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    });
  const start = async () => {
    serveDiscovery(harness.api);
    await harness.run(createGarbageCollector(harness.context));
    await settle(harness.api);
  };
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it('deletes what a deleted owner leaves behind, down the chain', async () => {
    const top = put('top');
    const middle = put('middle', [top]);
    put('leaf', [middle]);
    put('unrelated');
    await start();
    await remove('top');
    await until(() => maps().join() === 'unrelated');
  });

  it('deletes what names an owner that does not exist, and keeps what has one left', async () => {
    const owner = put('owner');
    const gone = { apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'never-was' };
    put('orphan', [gone]);
    put('kept', [gone, owner]);
    await start();
    await until(() => get('orphan') === undefined);
    await until(() => get('kept')?.metadata.ownerReferences?.length === 1);
    expect(get('kept')?.metadata.ownerReferences?.[0]?.name).toBe('owner');
  });

  it('tells owners apart by uid, not by name', async () => {
    const owner = put('owner');
    put('impostor-of', [{ ...reference(owner), uid: 'the-one-before' }]);
    await start();
    await until(() => get('impostor-of') === undefined);
    expect(get('owner')).toBeDefined();
  });

  it('in the foreground keeps the owner until what blocks it is gone', async () => {
    const owner = put('owner');
    put('blocking', [{ ...reference(owner), blockOwnerDeletion: true }], { finalizers: ['spec.test/hold'] });
    put('other', [owner], { finalizers: ['spec.test/hold'] });
    await start();
    await remove('owner', 'Foreground');
    await until(() => get('blocking')?.metadata.deletionTimestamp !== undefined);
    await settle(harness.api);
    expect(get('owner')).toBeDefined();
    harness.api.remove('configmaps', 'default', 'blocking');
    await until(() => get('owner') === undefined);
    expect(get('other')).toBeDefined();
  });

  it('orphans: dependents stay and lose the reference, then the owner goes', async () => {
    const owner = put('owner');
    put('child', [owner]);
    await start();
    await remove('owner', 'Orphan');
    await until(() => get('owner') === undefined);
    expect(get('child')?.metadata.ownerReferences).toEqual([]);
    await settle(harness.api);
    expect(get('child')?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('looks for a namespaced owner in the dependent’s namespace only', async () => {
    const elsewhere = put('owner', [], {}, 'other');
    put('child', [elsewhere]);
    await start();
    await until(() => get('child') === undefined);
    expect(harness.events.some((event) => event.startsWith('OwnerRefInvalidNamespace'))).toBe(true);
  });

  it('keeps what names an owner of a kind that the server does not know', async () => {
    put('child', [{ apiVersion: 'spec.test/v1', kind: 'Widget', name: 'w', uid: 'w' }]);
    await start();
    expect(get('child')).toBeDefined();
  });

  it('ends a foreground deletion of two that own each other', async () => {
    const one = put('one');
    const two = put('two', [{ ...reference(one), blockOwnerDeletion: true }]);
    harness.api.change('configmaps', 'default', 'one', (each) => {
      each.metadata.ownerReferences = [{ ...reference(two), blockOwnerDeletion: true }];
    });
    await start();
    await remove('one', 'Foreground');
    await until(() => maps().length === 0);
  });

  it('asks for an owner that is gone once, however many name it', async () => {
    const gone = { apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'never-was' };
    for (let at = 0; at < 300; at++) put(`child-${at}`, [gone]);
    await start();
    await until(() => maps().length === 0);
    const looks = harness.api.requests.filter((request) => request.path.endsWith('/configmaps/gone'));
    expect(looks.length).toBeLessThanOrEqual(20); // at most one for each worker
  });
});
