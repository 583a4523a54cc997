import {
  forbiddenField,
  invalidValue,
  immutable,
  notSupported,
  required,
} from '../../errors/field-errors.js';
import type { FieldErrors } from '../../scheme/define-kind.js';
import { semanticEqual } from '../../scheme/semantic-equal.js';
import { checkLabelSelector, checkNonNegative, isEmptySelector, selectorMatches } from './checks.js';
import { validatePodTemplate } from './pod-spec.js';
import type { LabelSelector, PodTemplateSpec } from './pod-types.js';

/** What the kinds that make pods from a template have in common. */
export interface WorkloadSpec {
  replicas?: number;
  minReadySeconds?: number;
  revisionHistoryLimit?: number;
  selector?: LabelSelector;
  template?: PodTemplateSpec;
}

export interface RollingUpdate {
  maxUnavailable?: number | string;
  maxSurge?: number | string;
  partition?: number;
}

export function checkWorkloadNumbers(spec: WorkloadSpec, errors: FieldErrors): void {
  checkNonNegative(spec.replicas, 'spec.replicas', errors);
  checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds', errors);
  checkNonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit', errors);
}

/** A selector is there, is sound and selects something. `word` is the kind in the message. */
export function checkWorkloadSelector(
  selector: LabelSelector | undefined,
  word: string,
  errors: FieldErrors,
): void {
  if (selector === undefined) {
    errors.push(required('spec.selector'));
    return;
  }
  checkLabelSelector(selector, 'spec.selector', errors);
  if (isEmptySelector(selector))
    errors.push(invalidValue('spec.selector', selector, `empty selector is invalid for ${word}`));
}

/** The template's labels match the selector, and its pods restart always. */
export function checkWorkloadTemplate(spec: WorkloadSpec, word: string, errors: FieldErrors): void {
  const { selector, template } = spec;
  const labels = template?.metadata?.labels;
  // No selector selects nothing, so no labels match it.
  if (selector === undefined || (!isEmptySelector(selector) && !selectorMatches(selector, labels)))
    errors.push(
      invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
    );
  validatePodTemplate(template, 'spec.template', errors);
  checkAlwaysRestarts(template, word, errors);
}

export function checkAlwaysRestarts(
  template: PodTemplateSpec | undefined,
  word: string,
  errors: FieldErrors,
): void {
  const { restartPolicy, activeDeadlineSeconds } = template?.spec ?? {};
  if (restartPolicy !== 'Always')
    errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy ?? '', ['Always']));
  if (activeDeadlineSeconds !== undefined)
    errors.push(
      forbiddenField(
        'spec.template.spec.activeDeadlineSeconds',
        `activeDeadlineSeconds in ${word} is not Supported`,
      ),
    );
}

export function checkImmutable(next: unknown, previous: unknown, path: string, errors: FieldErrors): void {
  if (!semanticEqual(next, previous)) errors.push(immutable(path, next));
}

/** 0 for "0" and "0%" alike. */
export function intOrPercent(value: number | string | undefined): number {
  if (value === undefined) return 0;
  return typeof value === 'number' ? value : Number(value.replace(/%$/, ''));
}
