import { forbiddenField } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { priorityClassColumns } from '../tables/policy-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkOneOf } from './common/checks.js';
import { checkImmutable } from './common/workload.js';

interface PriorityClass {
  value?: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
}

const highestUserValue = 1_000_000_000;

/** The classes that only the system makes, with the values that they have. */
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const { value = 0, globalDefault = false, preemptionPolicy } = object as PriorityClass;
  const { name = '' } = object.metadata;
  if (name.startsWith('system-')) {
    if (systemClasses[name] !== value || globalDefault)
      errors.push(
        forbiddenField(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`,
        ),
      );
  } else if (value > highestUserValue)
    errors.push(
      forbiddenField('value', `maximum allowed value of a user defined priority is ${highestUserValue}`),
    );
  checkOneOf(preemptionPolicy, ['PreemptLowerPriority', 'Never'], 'preemptionPolicy', errors, true);
}

export const priorityClass = defineKind({
  group: 'scheduling.k8s.io',
  resource: 'priorityclasses',
  shortNames: ['pc'],
  generation: true,
  columns: priorityClassColumns,
  setDefaults(object) {
    object['preemptionPolicy'] ??= 'PreemptLowerPriority';
    object['value'] ??= 0;
  },
  validate,
  validateUpdate(next, previous, errors) {
    const now = next as PriorityClass;
    const before = previous as PriorityClass;
    if ((now.value ?? 0) !== (before.value ?? 0))
      errors.push(forbiddenField('value', 'may not be changed in an update.'));
    checkImmutable(now.preemptionPolicy, before.preemptionPolicy, 'preemptionPolicy', errors);
  },
});
