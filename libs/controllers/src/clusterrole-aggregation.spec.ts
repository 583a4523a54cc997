import { expect, it } from 'vitest';
import type { ClusterRole } from '#libs/client';
import { createClusterRoleAggregationController } from './clusterrole-aggregation.js';
import { createHarness, object, settle, until } from './testing/harness.js';

it('fills an aggregated ClusterRole from the roles selected, each rule once, and follows them', async () => {
  const harness = createHarness();
  const role = (name: string, rules: unknown[], labels: Record<string, string> = {}) =>
    object('rbac.authorization.k8s.io/v1', 'ClusterRole', name, {
      namespace: '',
      metadata: { labels },
      rules,
    });
  const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });
  const view = () => harness.api.get<ClusterRole>('clusterroles', '', 'view')?.rules;
  harness.api.put('clusterroles', {
    ...role('view', []),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'to-view': 'true' } }] },
  });
  harness.api.put('clusterroles', role('a', [rule('pods'), rule('services')], { 'to-view': 'true' }));
  harness.api.put('clusterroles', role('b', [rule('pods')], { 'to-view': 'true' }));
  harness.api.put('clusterroles', role('c', [rule('secrets')]));
  await harness.run(createClusterRoleAggregationController(harness.context));
  await until(() => view()?.length === 2);
  expect(view()).toEqual([rule('pods'), rule('services')]);
  harness.api.put('clusterroles', role('d', [rule('nodes')], { 'to-view': 'true' }));
  await until(() => view()?.length === 3);
  harness.api.remove('clusterroles', '', 'a');
  await until(() => view()?.length === 2);
  const before = harness.api.requests.length;
  await settle(harness.api);
  expect(harness.api.requests.length).toBe(before);
  await harness.stop();
});
