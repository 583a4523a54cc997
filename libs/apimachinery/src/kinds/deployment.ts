import { forbiddenField, invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { deploymentColumns } from '../tables/workload-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkAtMost100Percent, checkIntOrPercent, checkNonNegative } from './common/checks.js';
import { setPodTemplateDefaults } from './common/pod-defaults.js';
import {
  checkImmutable,
  checkWorkloadNumbers,
  checkWorkloadSelector,
  checkWorkloadTemplate,
  intOrPercent,
} from './common/workload.js';
import type { RollingUpdate, WorkloadSpec } from './common/workload.js';

interface DeploymentSpec extends WorkloadSpec {
  strategy?: { type?: string; rollingUpdate?: RollingUpdate };
  progressDeadlineSeconds?: number;
}

const specOf = (object: KubernetesObject): DeploymentSpec => (object['spec'] ?? {}) as DeploymentSpec;

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  checkWorkloadNumbers(spec, errors);
  checkWorkloadSelector(spec.selector, 'deployment', errors);
  checkWorkloadTemplate(spec, 'ReplicaSet', errors);
  validateStrategy(spec, errors);
  const deadline = spec.progressDeadlineSeconds;
  if (deadline === undefined) return;
  checkNonNegative(deadline, 'spec.progressDeadlineSeconds', errors);
  if (deadline <= (spec.minReadySeconds ?? 0))
    errors.push(
      invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'),
    );
}

function validateStrategy({ strategy = {} }: DeploymentSpec, errors: FieldErrors): void {
  const { type, rollingUpdate } = strategy;
  const path = 'spec.strategy.rollingUpdate';
  if (type === 'Recreate') {
    if (rollingUpdate !== undefined)
      errors.push(forbiddenField(path, "may not be specified when strategy `type` is 'Recreate'"));
  } else if (type === 'RollingUpdate') {
    if (rollingUpdate === undefined) {
      errors.push(required(path, 'this should be defaulted and never be nil'));
      return;
    }
    const { maxUnavailable, maxSurge } = rollingUpdate;
    checkIntOrPercent(maxUnavailable, `${path}.maxUnavailable`, errors);
    checkIntOrPercent(maxSurge, `${path}.maxSurge`, errors);
    if (intOrPercent(maxUnavailable) === 0 && intOrPercent(maxSurge) === 0)
      errors.push(
        invalidValue(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
      );
    checkAtMost100Percent(maxUnavailable, `${path}.maxUnavailable`, errors);
  } else errors.push(notSupported('spec.strategy', strategy, ['Recreate', 'RollingUpdate']));
}

export const deployment = defineKind({
  group: 'apps',
  resource: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  generation: true,
  alsoNewGeneration: (next, previous) =>
    !semanticEqual(next.metadata.annotations, previous.metadata.annotations),
  columns: deploymentColumns,
  setDefaults(object) {
    const spec = specOf(object);
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    const strategy = (spec.strategy ??= {});
    strategy.type ??= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {};
      strategy.rollingUpdate.maxUnavailable ??= '25%';
      strategy.rollingUpdate.maxSurge ??= '25%';
    }
    setPodTemplateDefaults(spec);
  },
  validate,
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validate(next, errors);
    checkImmutable(specOf(next).selector, specOf(previous).selector, 'spec.selector', errors);
  },
});
