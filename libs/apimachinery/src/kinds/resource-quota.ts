import { invalidValue } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { resourceQuotaColumns } from '../tables/core-columns.js';
import type { KubernetesObject } from '../types.js';
import { isQualifiedName } from './common/names.js';
import { checkQuantity } from './common/resources.js';

interface QuotaSpec {
  hard?: Record<string, string>;
  scopes?: string[];
  scopeSelector?: object;
}

const scopes = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
] as const;

/** Resources without a dot or slash that a quota may count. */
const standard = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

const specOf = (object: KubernetesObject): QuotaSpec => (object['spec'] ?? {}) as QuotaSpec;

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  for (const [name, quantity] of Object.entries(spec.hard ?? {})) {
    const at = `spec.hard[${name}]`;
    for (const message of isQualifiedName(name)) errors.push(invalidValue(at, name, message));
    if (
      !name.includes('/') &&
      !standard.has(name) &&
      !name.startsWith('hugepages-') &&
      !/^(?:requests\.hugepages-|limits\.hugepages-)/.test(name)
    )
      errors.push(
        invalidValue(at, name, 'must be a standard resource type or fully qualified'),
        invalidValue(at, name, 'must be a standard resource for quota'),
      );
    checkQuantity(name, quantity, at, errors);
  }
  for (const scope of spec.scopes ?? [])
    if (!scopes.includes(scope as 'BestEffort'))
      errors.push(invalidValue('spec.scopes', spec.scopes, 'unsupported scope'));
  for (const [one, other] of [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ] as const)
    if (spec.scopes?.includes(one) === true && spec.scopes.includes(other))
      errors.push(invalidValue('spec.scopes', spec.scopes, 'conflicting scopes'));
}

export const resourceQuota = defineKind({
  group: '',
  resource: 'resourcequotas',
  shortNames: ['quota'],
  columns: resourceQuotaColumns,
  validate,
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validate(next, errors);
    if (!semanticEqual(specOf(next).scopes, specOf(previous).scopes))
      errors.push(invalidValue('spec.scopes', specOf(next).scopes, 'field is immutable'));
  },
});
