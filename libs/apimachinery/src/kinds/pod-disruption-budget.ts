import { invalidValue } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import { podDisruptionBudgetColumns } from '../tables/policy-columns.js';
import { checkIntOrPercent, checkLabelSelector, checkOneOf } from './common/checks.js';
import type { LabelSelector } from './common/pod-types.js';

interface BudgetSpec {
  minAvailable?: number | string;
  maxUnavailable?: number | string;
  selector?: LabelSelector;
  unhealthyPodEvictionPolicy?: string;
}

export const podDisruptionBudget = defineKind({
  group: 'policy',
  resource: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  generation: true,
  columns: podDisruptionBudgetColumns,
  initialStatus: () => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }),
  validate(object, errors) {
    const spec = (object['spec'] ?? {}) as BudgetSpec;
    if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
      errors.push(invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
    checkIntOrPercent(spec.minAvailable, 'spec.minAvailable', errors, 100);
    checkIntOrPercent(spec.maxUnavailable, 'spec.maxUnavailable', errors, 100);
    checkLabelSelector(spec.selector, 'spec.selector', errors);
    checkOneOf(
      spec.unhealthyPodEvictionPolicy,
      ['AlwaysAllow', 'IfHealthyBudget'],
      'spec.unhealthyPodEvictionPolicy',
      errors,
      true,
    );
  },
});
