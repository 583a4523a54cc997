import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { replicaSetColumns } from '../tables/workload-columns.js';
import type { KubernetesObject } from '../types.js';
import { setPodTemplateDefaults } from './common/pod-defaults.js';
import {
  checkImmutable,
  checkWorkloadNumbers,
  checkWorkloadSelector,
  checkWorkloadTemplate,
} from './common/workload.js';
import type { WorkloadSpec } from './common/workload.js';

const specOf = (object: KubernetesObject): WorkloadSpec => (object['spec'] ?? {}) as WorkloadSpec;

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  checkWorkloadNumbers(spec, errors);
  // Kubernetes says deployment here too.
  checkWorkloadSelector(spec.selector, 'deployment', errors);
  checkWorkloadTemplate(spec, 'ReplicaSet', errors);
}

export const replicaSet = defineKind({
  group: 'apps',
  resource: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  generation: true,
  columns: replicaSetColumns,
  initialStatus: () => ({ replicas: 0 }),
  setDefaults(object) {
    const spec = specOf(object);
    spec.replicas ??= 1;
    setPodTemplateDefaults(spec);
  },
  validate,
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validate(next, errors);
    checkImmutable(specOf(next).selector, specOf(previous).selector, 'spec.selector', errors);
  },
  selectableFields: {
    'status.replicas': (object) =>
      String((object['status'] as { replicas?: number } | undefined)?.replicas ?? 0),
  },
});
