import { compileLabelSelector, type LabelSelector } from '#libs/apimachinery';
import type { Lister, PodDisruptionBudget } from '#libs/client';
import type { PodInfo } from '../cache/pod-info.js';

/** Which of these pods could not go without breaking a PodDisruptionBudget, if they went in this order. */
export type BudgetCheck = (pods: readonly PodInfo[]) => ReadonlySet<PodInfo>;

export function createBudgetCheck(budgets: {
  readonly lister: Pick<Lister<PodDisruptionBudget>, 'size' | 'inNamespace'>;
}): BudgetCheck {
  const selectors = new WeakMap<PodDisruptionBudget, LabelSelector>();
  const selectorOf = (budget: PodDisruptionBudget): LabelSelector => {
    let selector = selectors.get(budget);
    if (selector === undefined)
      selectors.set(budget, (selector = compileLabelSelector(budget.spec.selector)));
    return selector;
  };
  return (pods) => {
    const violating = new Set<PodInfo>();
    if (budgets.lister.size === 0) return violating;
    const allowed = new Map<PodDisruptionBudget, number>();
    for (const info of pods) {
      const { name = '', namespace = '', labels } = info.pod.metadata;
      // A pod without labels is in no budget, whatever the selector.
      if (labels === undefined) continue;
      for (const budget of budgets.lister.inNamespace(namespace)) {
        if (!selectorOf(budget).matches(labels)) continue;
        // Its disruption is counted already.
        if (budget.status?.disruptedPods?.[name] !== undefined) continue;
        const left = (allowed.get(budget) ?? budget.status?.disruptionsAllowed ?? 0) - 1;
        allowed.set(budget, left);
        if (left < 0) violating.add(info);
      }
    }
    return violating;
  };
}
