import { invalidValue, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { horizontalPodAutoscalerColumns } from '../tables/policy-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkRule } from './common/checks.js';
import { isDns1123Subdomain } from './common/names.js';
import { hpaFromV1, hpaToV1 } from './common/hpa-conversion.js';

interface ScalingRules {
  stabilizationWindowSeconds?: number;
  selectPolicy?: string;
  policies?: { type: string; value: number; periodSeconds: number }[];
}

interface HpaSpec {
  scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string };
  minReplicas?: number;
  maxReplicas?: number;
  targetCPUUtilizationPercentage?: number;
  metrics?: { type?: string }[];
  behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules };
}

const specOf = (object: KubernetesObject): HpaSpec => (object['spec'] ?? {}) as HpaSpec;

function validateSpec(object: KubernetesObject, errors: FieldErrors): void {
  const { minReplicas, maxReplicas = 0, scaleTargetRef = {} } = specOf(object);
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(invalidValue('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (maxReplicas === 0) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  else if (maxReplicas < 0)
    errors.push(invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(
      invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'),
    );
  for (const field of ['kind', 'name'] as const) {
    const value = scaleTargetRef[field] ?? '';
    if (value === '') errors.push(required(`spec.scaleTargetRef.${field}`));
    else
      checkRule(
        field === 'kind' ? value.toLowerCase() : value,
        isDns1123Subdomain,
        `spec.scaleTargetRef.${field}`,
        errors,
      );
  }
  if (object.apiVersion.endsWith('v2') && scaleTargetRef.apiVersion?.includes('/') !== true)
    errors.push(
      invalidValue(
        'spec.scaleTargetRef.apiVersion',
        scaleTargetRef.apiVersion ?? '',
        'apiVersion must specify API group',
      ),
    );
}

/** What the controller does where a rule leaves it open. */
function fillRules(rules: ScalingRules | undefined, up: boolean): ScalingRules {
  const filled: ScalingRules = { ...rules };
  if (up) filled.stabilizationWindowSeconds ??= 0;
  filled.selectPolicy ??= 'Max';
  filled.policies ??= up
    ? [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ]
    : [{ type: 'Percent', value: 100, periodSeconds: 15 }];
  return filled;
}

const names = {
  group: 'autoscaling',
  resource: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
} as const;

/** The stored version. */
export const horizontalPodAutoscaler = defineKind({
  ...names,
  versions: ['v2'],
  columns: horizontalPodAutoscalerColumns,
  initialStatus: () => ({ desiredReplicas: 0 }),
  setDefaults(object) {
    const spec = specOf(object);
    spec.minReplicas ??= 1;
    if ((spec.metrics ?? []).length === 0)
      object['spec'] = {
        ...spec,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
          },
        ],
      };
    const { behavior } = specOf(object);
    if (behavior === undefined) return;
    behavior.scaleUp = fillRules(behavior.scaleUp, true);
    behavior.scaleDown = fillRules(behavior.scaleDown, false);
  },
  validate: validateSpec,
  validateUpdate(next, _previous, errors, subresource) {
    if (subresource !== 'status') validateSpec(next, errors);
  },
});

/** The older version: one CPU goal; what it cannot say travels in annotations. */
export const horizontalPodAutoscalerV1 = defineKind({
  ...names,
  versions: ['v1'],
  storageVersion: { group: 'autoscaling', version: 'v2' },
  toStorage: hpaFromV1,
  fromStorage: hpaToV1,
  columns: horizontalPodAutoscalerColumns.map((column) => ({
    ...column,
    cell: (object, nowSeconds) => column.cell(hpaFromV1(object), nowSeconds),
  })),
  initialStatus: () => ({ currentReplicas: 0, desiredReplicas: 0 }),
  setDefaults(object) {
    specOf(object).minReplicas ??= 1;
  },
  validate: validateSpec,
  validateUpdate(next, _previous, errors, subresource) {
    if (subresource !== 'status') validateSpec(next, errors);
  },
});
