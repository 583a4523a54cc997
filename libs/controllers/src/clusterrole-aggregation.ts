import { semanticEqual } from '#libs/apimachinery';
import { deepCopy, keyOf, resources, type ClusterRole } from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from './context.js';
import { selectorOf } from './core/selectors.js';

/** Fills the rules of aggregated ClusterRoles (admin, edit, view) from the roles that their selectors name. */
export function createClusterRoleAggregationController(context: ControllerContext): Controller {
  const queue = queueFor(context, 'clusterrole-aggregation');
  const roles = context.informers.informer(resources.clusterRoles);
  const enqueueAggregated = (): void => {
    for (const role of roles.lister.values()) if (role.aggregationRule !== undefined) queue.add(keyOf(role));
  };
  roles.addHandler({ add: enqueueAggregated, update: enqueueAggregated, delete: enqueueAggregated });
  return makeController(context, {
    name: 'clusterrole-aggregation',
    workers: 1,
    queue,
    needs: [roles],
    async reconcile(key) {
      const role = roles.lister.getByKey(key);
      if (role?.aggregationRule === undefined) return;
      const rules = aggregate(role, [...roles.lister.values()]);
      if (semanticEqual(role.rules ?? [], rules)) return;
      await context.client
        .resource(resources.clusterRoles)
        .update({ ...deepCopy(role), rules: deepCopy(rules) });
    },
  });
}

/** Rules of the selected roles in the order of the selectors, then of the roles' names; each rule once. */
function aggregate(role: ClusterRole, all: readonly ClusterRole[]): unknown[] {
  const rules: unknown[] = [];
  const byName = all.toSorted((left, right) =>
    (left.metadata.name ?? '') < (right.metadata.name ?? '') ? -1 : 1,
  );
  for (const each of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const selector = selectorOf(each);
    for (const other of byName) {
      if (other.metadata.name === role.metadata.name || !selector.matches(other.metadata.labels)) continue;
      for (const rule of other.rules ?? [])
        if (!rules.some((known) => semanticEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
