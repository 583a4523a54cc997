import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError, storeUnavailable } from '#libs/apimachinery';
import type { ConfigMap, Namespace, Pod } from '#libs/client';
import { createNamespaceController } from './namespace.js';
import { createRootCaPublisherController, createServiceAccountController } from './serviceaccount.js';
import { serveDiscovery } from './testing/discovery.js';
import { createHarness, object, settle, until, type Harness } from './testing/harness.js';

const namespaceOf = (name: string) =>
  object('v1', 'Namespace', name, {
    namespace: '',
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });

describe('namespace', () => {
  let harness: Harness;
  const namespace = () => harness.api.get<Namespace>('namespaces', '', 'doomed');
  const condition = (type: string) => namespace()?.status?.conditions?.find((each) => each.type === type);
  beforeEach(() => {
    harness = createHarness();
    serveDiscovery(harness.api);
    harness.api.put('namespaces', namespaceOf('doomed'));
  });
  afterEach(() => harness.stop());
  const start = () => harness.run(createNamespaceController(harness.context));
  const remove = () =>
    harness.context.client.resource({ group: '', version: 'v1', resource: 'namespaces' }).delete('doomed');

  it('leaves a namespace alone that nobody deletes', async () => {
    harness.api.put('configmaps', object('v1', 'ConfigMap', 'a', { namespace: 'doomed' }));
    await start();
    await settle(harness.api);
    expect(harness.api.list('configmaps')).toHaveLength(1);
  });

  it('empties a deleted namespace and no other, then lets it go', async () => {
    for (const where of ['doomed', 'kept']) {
      harness.api.put('configmaps', object('v1', 'ConfigMap', 'a', { namespace: where }));
      harness.api.put('pods', object('v1', 'Pod', 'p', { namespace: where, spec: { containers: [] } }));
    }
    await start();
    await remove();
    await until(() => namespace() === undefined);
    expect(harness.api.list('configmaps').map((each) => each.metadata.namespace)).toEqual(['kept']);
    expect(harness.api.list<Pod>('pods').map((each) => each.metadata.namespace)).toEqual(['kept']);
  });

  it('deletes nothing else while pods are still there', async () => {
    harness.api.graceful.add('pods');
    harness.api.put('pods', object('v1', 'Pod', 'p', { namespace: 'doomed', spec: { containers: [] } }));
    harness.api.put('secrets', object('v1', 'Secret', 's', { namespace: 'doomed' }));
    await start();
    await remove();
    await until(() => condition('NamespaceContentRemaining')?.status === 'True');
    expect(condition('NamespaceContentRemaining')?.message).toContain('pods has 1 resource instances');
    expect(harness.api.list('secrets')).toHaveLength(1);
    harness.api.remove('pods', 'doomed', 'p');
    await until(() => {
      harness.clock.advance(500);
      return namespace() === undefined;
    });
    expect(harness.api.list('secrets')).toHaveLength(0);
  });

  it('says which finalizers hold it up', async () => {
    harness.api.put(
      'configmaps',
      object('v1', 'ConfigMap', 'a', { namespace: 'doomed', metadata: { finalizers: ['spec.test/hold'] } }),
    );
    await start();
    await remove();
    await until(() => condition('NamespaceFinalizersRemaining')?.status === 'True');
    expect(condition('NamespaceFinalizersRemaining')?.message).toContain(
      'spec.test/hold in 1 resource instances',
    );
  });

  it('lets it go although the store of its events is away: they expire there', async () => {
    harness.api.put('configmaps', object('v1', 'ConfigMap', 'a', { namespace: 'doomed' }));
    harness.api.refuse = (request) =>
      request.path.endsWith('/doomed/events') ? storeUnavailable('the events store is away') : undefined;
    await start();
    await remove();
    await until(() => namespace() === undefined);
    expect(harness.api.list('configmaps')).toEqual([]);
  });

  it('does not let it go when discovery fails, and says so', async () => {
    harness.api.refuse = (request) =>
      request.path === '/apis'
        ? new ApiError(503, 'ServiceUnavailable', 'aggregated API is away')
        : undefined;
    await start();
    await remove();
    await until(() => condition('NamespaceDeletionDiscoveryFailure')?.status === 'True');
    expect(namespace()).toBeDefined();
  });
});

describe('serviceaccount and root CA', () => {
  it('give every namespace a default account and the CA, and restore them', async () => {
    const harness = createHarness();
    harness.api.put('namespaces', namespaceOf('one'));
    await harness.run(
      createServiceAccountController(harness.context),
      createRootCaPublisherController(harness.context, 'PEM'),
    );
    const ca = (where: string) => harness.api.get<ConfigMap>('configmaps', where, 'kube-root-ca.crt')?.data;
    const account = (where: string) => harness.api.get('serviceaccounts', where, 'default');
    await until(() => account('one') !== undefined && ca('one') !== undefined);
    harness.api.put('namespaces', namespaceOf('two'));
    await until(() => account('two') !== undefined && ca('two')?.['ca.crt'] === 'PEM');
    harness.api.remove('serviceaccounts', 'one', 'default');
    harness.api.change(
      'configmaps',
      'one',
      'kube-root-ca.crt',
      (each) => void (each['data'] = { 'ca.crt': 'forged', x: 'y' }),
    );
    await until(() => account('one') !== undefined && JSON.stringify(ca('one')) === '{"ca.crt":"PEM"}');
    await harness.stop();
  });
});
