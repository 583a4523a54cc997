import { invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { daemonSetColumns } from '../tables/workload-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkIntOrPercent, checkLabelSelector, isEmptySelector } from './common/checks.js';
import { setPodTemplateDefaults } from './common/pod-defaults.js';
import {
  checkImmutable,
  checkWorkloadNumbers,
  checkWorkloadTemplate,
  intOrPercent,
} from './common/workload.js';
import type { RollingUpdate, WorkloadSpec } from './common/workload.js';

interface DaemonSetSpec extends WorkloadSpec {
  updateStrategy?: { type?: string; rollingUpdate?: RollingUpdate };
}

const specOf = (object: KubernetesObject): DaemonSetSpec => (object['spec'] ?? {}) as DaemonSetSpec;

/** Where apps/v1 shows the template generation of older versions; old controllers still read it. */
const templateGeneration = 'deprecated.daemonset.template.generation';

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  const { selector } = spec;
  checkLabelSelector(selector, 'spec.selector', errors);
  checkWorkloadTemplate(spec, 'DaemonSet', errors);
  if (selector !== undefined && isEmptySelector(selector))
    errors.push(invalidValue('spec.selector', selector, 'empty selector is invalid for daemonset'));
  checkWorkloadNumbers(spec, errors);
  validateStrategy(spec, errors);
}

function validateStrategy({ updateStrategy = {} }: DaemonSetSpec, errors: FieldErrors): void {
  const { type, rollingUpdate } = updateStrategy;
  const path = 'spec.updateStrategy';
  if (type === 'OnDelete') return;
  if (type !== 'RollingUpdate') {
    errors.push(notSupported(path, updateStrategy, ['RollingUpdate', 'OnDelete']));
    return;
  }
  if (rollingUpdate === undefined) {
    errors.push(required(`${path}.rollingUpdate`));
    return;
  }
  const { maxUnavailable, maxSurge } = rollingUpdate;
  checkIntOrPercent(maxUnavailable, `${path}.rollingUpdate.maxUnavailable`, errors, 100);
  checkIntOrPercent(maxSurge, `${path}.rollingUpdate.maxSurge`, errors, 100);
  const unavailable = intOrPercent(maxUnavailable);
  const surge = intOrPercent(maxSurge);
  if (unavailable !== 0 && surge !== 0)
    errors.push(
      invalidValue(
        `${path}.rollingUpdate.maxSurge`,
        maxSurge,
        'may not be set when maxUnavailable is non-zero',
      ),
    );
  if (unavailable === 0 && surge === 0)
    errors.push(required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
}

export const daemonSet = defineKind({
  group: 'apps',
  resource: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  generation: true,
  columns: daemonSetColumns,
  initialStatus: () => ({
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
  }),
  setDefaults(object) {
    const spec = specOf(object);
    spec.revisionHistoryLimit ??= 10;
    const strategy = (spec.updateStrategy ??= {});
    strategy.type ??= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {};
      strategy.rollingUpdate.maxUnavailable ??= 1;
      strategy.rollingUpdate.maxSurge ??= 0;
    }
    setPodTemplateDefaults(spec);
  },
  prepareForCreate(object) {
    object.metadata.annotations = { ...object.metadata.annotations, [templateGeneration]: '1' };
  },
  prepareForUpdate(next, previous) {
    const before = Number(previous.metadata.annotations?.[templateGeneration] ?? '1');
    const changed = !semanticEqual(specOf(next).template, specOf(previous).template);
    next.metadata.annotations = {
      ...next.metadata.annotations,
      [templateGeneration]: String(changed ? before + 1 : before),
    };
  },
  validate,
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validate(next, errors);
    checkImmutable(specOf(next).selector, specOf(previous).selector, 'spec.selector', errors);
  },
});
