import { forbiddenField, invalidValue } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import { leaseColumns } from '../tables/policy-columns.js';

interface LeaseSpec {
  leaseDurationSeconds?: number;
  leaseTransitions?: number;
  strategy?: string;
  preferredHolder?: string;
}

export const lease = defineKind({
  group: 'coordination.k8s.io',
  resource: 'leases',
  allowCreateOnUpdate: true,
  columns: leaseColumns,
  validate(object, errors) {
    const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = (object['spec'] ??
      {}) as LeaseSpec;
    if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0)
      errors.push(invalidValue('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
    if (leaseTransitions !== undefined && leaseTransitions < 0)
      errors.push(
        invalidValue('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'),
      );
    if ((preferredHolder ?? '') !== '' && (strategy ?? '') === '')
      errors.push(forbiddenField('spec.preferredHolder', 'may only be specified if `strategy` is defined'));
  },
});
