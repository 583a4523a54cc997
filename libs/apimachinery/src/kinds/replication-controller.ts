import { invalidValue, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import { replicationControllerColumns } from '../tables/workload-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkNonNegative, selectorMatches } from './common/checks.js';
import { validateLabels } from './common/metadata.js';
import { setPodTemplateDefaults } from './common/pod-defaults.js';
import { validatePodTemplate } from './common/pod-spec.js';
import type { PodTemplateSpec } from './common/pod-types.js';
import { checkAlwaysRestarts } from './common/workload.js';

interface ReplicationControllerSpec {
  replicas?: number;
  minReadySeconds?: number;
  selector?: Record<string, string>;
  template?: PodTemplateSpec;
}

const specOf = (object: KubernetesObject): ReplicationControllerSpec =>
  (object['spec'] ?? {}) as ReplicationControllerSpec;

export const replicationController = defineKind({
  group: '',
  resource: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  generation: true,
  columns: replicationControllerColumns,
  initialStatus: () => ({ replicas: 0 }),
  setDefaults(object) {
    const spec = specOf(object);
    spec.replicas ??= 1;
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined) {
      spec.selector ??= { ...labels };
      object.metadata.labels ??= { ...labels };
    }
    // A template is a pointer here: it may be missing, and then is found missing.
    if (spec.template !== undefined) setPodTemplateDefaults(spec);
  },
  validate(object, errors) {
    const spec = specOf(object);
    const { selector = {}, template } = spec;
    checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds', errors);
    if (Object.keys(selector).length === 0) errors.push(required('spec.selector'));
    validateLabels(selector, 'spec.selector', errors);
    checkNonNegative(spec.replicas, 'spec.replicas', errors);
    if (template === undefined) {
      errors.push(required('spec.template'));
      return;
    }
    if (!selectorMatches({ matchLabels: selector }, template.metadata?.labels))
      errors.push(
        invalidValue(
          'spec.template.metadata.labels',
          template.metadata?.labels,
          '`selector` does not match template `labels`',
        ),
      );
    validatePodTemplate(template, 'spec.template', errors);
    checkAlwaysRestarts(template, 'ReplicationController', errors);
  },
  selectableFields: {
    'status.replicas': (object) =>
      String((object['status'] as { replicas?: number } | undefined)?.replicas ?? 0),
  },
});
