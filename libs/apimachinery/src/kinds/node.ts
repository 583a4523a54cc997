import { forbiddenField, invalidValue, notSupported, required, duplicate } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { nodeColumns } from '../tables/core-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkRule } from './common/checks.js';
import { isLabelValue, isQualifiedName } from './common/names.js';

interface NodeSpec {
  podCIDR?: string;
  podCIDRs?: string[];
  providerID?: string;
  unschedulable?: boolean;
  taints?: { key?: string; value?: string; effect?: string }[];
}

const specOf = (object: KubernetesObject): NodeSpec => (object['spec'] ?? {}) as NodeSpec;
const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [index, taint] of (specOf(object).taints ?? []).entries()) {
    // Kubernetes blames metadata here.
    const at = `metadata.taints[${index}]`;
    const { key = '', value = '', effect = '' } = taint;
    checkRule(key, isQualifiedName, `${at}.key`, errors);
    checkRule(value, isLabelValue, `${at}.value`, errors);
    if (effect === '') errors.push(required(`${at}.effect`));
    else if (!effects.includes(effect as 'NoExecute'))
      errors.push(notSupported(`${at}.effect`, effect, effects));
    const pair = `${key}:${effect}`;
    if (seen.has(pair))
      errors.push({ ...duplicate(at, taint), detail: 'taints must be unique by key and effect pair' });
    seen.add(pair);
  }
  const { podCIDR, podCIDRs } = specOf(object);
  if (podCIDR !== undefined && podCIDRs !== undefined && podCIDRs[0] !== podCIDR)
    errors.push(invalidValue('spec.podCIDRs[0]', podCIDRs[0], 'must match `podCIDR`'));
}

export const node = defineKind({
  group: '',
  resource: 'nodes',
  shortNames: ['no'],
  columns: nodeColumns,
  allowCreateOnUpdate: false,
  // Kubelets register with their status.
  statusOnCreate: true,
  setDefaults(object) {
    const spec = object['spec'] as NodeSpec | undefined;
    if (spec?.podCIDR !== undefined) spec.podCIDRs ??= [spec.podCIDR];
    else if (spec?.podCIDRs?.[0] !== undefined) spec.podCIDR = spec.podCIDRs[0];
    const status = object['status'] as
      { capacity?: Record<string, string>; allocatable?: Record<string, string> } | undefined;
    if (status?.capacity !== undefined) status.allocatable ??= { ...status.capacity };
  },
  validate,
  validateUpdate(next, previous, errors, subresource) {
    validate(next, errors);
    if (subresource === 'status') return;
    const now = specOf(next);
    const before = specOf(previous);
    if ((before.podCIDRs ?? []).length > 0 && !semanticEqual(now.podCIDRs, before.podCIDRs))
      errors.push(
        forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'),
      );
    if ((before.providerID ?? '') !== '' && now.providerID !== before.providerID)
      errors.push(
        forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid'),
      );
  },
  selectableFields: { 'spec.unschedulable': (object) => String(specOf(object).unschedulable === true) },
});
