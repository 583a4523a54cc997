import { invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { jobColumns } from '../tables/workload-columns.js';
import type { KubernetesObject, ObjectMeta } from '../types.js';
import { checkLabelSelector, checkNonNegative, checkOneOf, selectorMatches } from './common/checks.js';
import { setPodTemplateDefaults } from './common/pod-defaults.js';
import { validatePodTemplate } from './common/pod-spec.js';
import type { LabelSelector, PodTemplateSpec } from './common/pod-types.js';
import { checkImmutable } from './common/workload.js';

export interface JobSpec {
  parallelism?: number;
  completions?: number;
  completionMode?: string;
  activeDeadlineSeconds?: number;
  backoffLimit?: number;
  backoffLimitPerIndex?: number;
  maxFailedIndexes?: number;
  ttlSecondsAfterFinished?: number;
  suspend?: boolean;
  manualSelector?: boolean;
  selector?: LabelSelector;
  template?: PodTemplateSpec;
  podReplacementPolicy?: string;
  podFailurePolicy?: { rules?: { action?: string; onPodConditions?: { status?: string }[] }[] };
  successPolicy?: object;
  managedBy?: string;
}

const specOf = (object: KubernetesObject): JobSpec => (object['spec'] ?? {}) as JobSpec;

export function setJobSpecDefaults(spec: JobSpec): void {
  for (const rule of spec.podFailurePolicy?.rules ?? [])
    for (const pattern of rule.onPodConditions ?? []) pattern.status ??= 'True';
  setPodTemplateDefaults(spec);
}

const nonNegative = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;

/** What jobs and the jobs of cron jobs share; `path` is that of the job's spec. */
export function validateJobSpec(spec: JobSpec, path: string, errors: FieldErrors): void {
  for (const field of nonNegative) checkNonNegative(spec[field], `${path}.${field}`, errors);
  validateIndexes(spec, path, errors);
  checkOneOf(spec.completionMode, ['NonIndexed', 'Indexed'], `${path}.completionMode`, errors, true);
  const policies = spec.podFailurePolicy === undefined ? ['TerminatingOrFailed', 'Failed'] : ['Failed'];
  checkOneOf(spec.podReplacementPolicy, policies, `${path}.podReplacementPolicy`, errors, true);
  for (const [index, { action }] of (spec.podFailurePolicy?.rules ?? []).entries())
    checkOneOf(
      action,
      ['Count', 'FailIndex', 'FailJob', 'Ignore'],
      `${path}.podFailurePolicy.rules[${index}].action`,
      errors,
    );
  validatePodTemplate(spec.template, `${path}.template`, errors);
  const restart = spec.template?.spec?.restartPolicy;
  const at = `${path}.template.spec.restartPolicy`;
  if (restart === undefined || restart === 'Always')
    errors.push(required(at, 'valid values: "OnFailure", "Never"'));
  else if (restart !== 'OnFailure' && restart !== 'Never')
    errors.push(notSupported(at, restart, ['OnFailure', 'Never']));
  else if (spec.podFailurePolicy !== undefined && restart !== 'Never')
    errors.push(invalidValue(at, restart, 'only "Never" is supported when podFailurePolicy is specified'));
}

function validateIndexes(spec: JobSpec, path: string, errors: FieldErrors): void {
  const { completions, parallelism, maxFailedIndexes, backoffLimitPerIndex, successPolicy } = spec;
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined)
    errors.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  if (spec.completionMode === 'Indexed') {
    if (completions === undefined)
      errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
    if (parallelism !== undefined && parallelism > 100_000)
      errors.push(
        invalidValue(
          `${path}.parallelism`,
          parallelism,
          'must be less than or equal to 100000 when completion mode is Indexed',
        ),
      );
    if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions)
      errors.push(
        invalidValue(
          `${path}.maxFailedIndexes`,
          maxFailedIndexes,
          'must be less than or equal to completions',
        ),
      );
    return;
  }
  for (const [field, value] of [
    ['backoffLimitPerIndex', backoffLimitPerIndex],
    ['maxFailedIndexes', maxFailedIndexes],
    ['successPolicy', successPolicy],
  ] as const)
    if (value !== undefined)
      errors.push(invalidValue(`${path}.${field}`, value, 'requires indexed completion mode'));
}

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  validateJobSpec(spec, 'spec', errors);
  if (spec.selector === undefined) errors.push(required('spec.selector'));
  else checkLabelSelector(spec.selector, 'spec.selector', errors);
  const labels = spec.template?.metadata?.labels;
  if (spec.selector === undefined || !selectorMatches(spec.selector, labels))
    errors.push(
      invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
    );
}

function validateGenerated(object: KubernetesObject, errors: FieldErrors): void {
  const { manualSelector, selector, template } = specOf(object);
  if (manualSelector === true || selector === undefined) return;
  const expected = generatedLabels(object.metadata.name ?? '', object.metadata.uid ?? '');
  const labels = template?.metadata?.labels ?? {};
  for (const [key, value] of expected)
    if (labels[key] !== value)
      errors.push(
        invalidValue(`spec.template.metadata.labels[${key}]`, labels[key] ?? '', `must be '${value}'`),
      );
  if (!selectorMatches(selector, Object.fromEntries(expected)))
    errors.push(invalidValue('spec.selector', selector, '`selector` not auto-generated'));
}

function generatedLabels(name: string, uid: string): readonly [string, string][] {
  return [
    ['job-name', name],
    ['batch.kubernetes.io/job-name', name],
    ['controller-uid', uid],
    ['batch.kubernetes.io/controller-uid', uid],
  ];
}

/** Makes the job's pods its own by its uid. Name and uid have been given by now. */
function generateSelector(object: KubernetesObject): void {
  const spec = specOf(object);
  if (spec.manualSelector === true) return;
  const { name = '', uid = '' } = object.metadata;
  const template = (spec.template ??= {});
  const metadata: ObjectMeta = (template.metadata ??= {});
  const labels: Record<string, string> = (metadata.labels = { ...metadata.labels });
  for (const [key, value] of generatedLabels(name, uid)) labels[key] ??= value;
  const selector = (spec.selector ??= {});
  selector.matchLabels = { 'batch.kubernetes.io/controller-uid': uid, ...selector.matchLabels };
}

/** What may change in the template while a job is suspended and has not started. */
const schedulingDirectives = ['affinity', 'nodeSelector', 'tolerations', 'schedulingGates'] as const;

function checkTemplateUpdate(next: KubernetesObject, previous: KubernetesObject, errors: FieldErrors): void {
  const now = specOf(next).template;
  const before = specOf(previous).template;
  if (semanticEqual(now, before)) return;
  const started = (previous['status'] as { startTime?: string } | undefined)?.startTime !== undefined;
  if (specOf(previous).suspend === true && !started) {
    const munged = { ...before?.spec };
    for (const field of schedulingDirectives) Object.assign(munged, { [field]: now?.spec?.[field] });
    const metadata = now?.metadata;
    if (semanticEqual({ ...before, spec: munged, metadata }, { ...now, metadata })) return;
  }
  checkImmutable(now, before, 'spec.template', errors);
}

const immutableFields = [
  'selector',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

export const job = defineKind({
  group: 'batch',
  resource: 'jobs',
  categories: ['all'],
  generation: true,
  columns: jobColumns,
  setDefaults(object) {
    const spec = specOf(object);
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    spec.parallelism ??= 1;
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined && Object.keys(object.metadata.labels ?? {}).length === 0)
      object.metadata.labels = { ...labels };
    spec.completionMode ??= 'NonIndexed';
    spec.suspend ??= false;
    spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
    spec.manualSelector ??= false;
    setJobSpecDefaults(spec);
  },
  prepareForCreate(object) {
    const labels = object.metadata.labels;
    const followed = semanticEqual(labels ?? {}, specOf(object).template?.metadata?.labels ?? {});
    generateSelector(object);
    // Labels that came from the template go on following it.
    const generated = specOf(object).template?.metadata?.labels;
    if ((followed || labels === undefined) && generated !== undefined)
      object.metadata.labels = { ...generated };
  },
  validate(object, errors) {
    validateGenerated(object, errors);
    validate(object, errors);
  },
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validate(next, errors);
    const now = specOf(next);
    const before = specOf(previous);
    // An indexed job scales by completions and parallelism together.
    const elastic = now.completionMode === 'Indexed' && now.completions === now.parallelism;
    if (!elastic) checkImmutable(now.completions, before.completions, 'spec.completions', errors);
    for (const field of immutableFields) checkImmutable(now[field], before[field], `spec.${field}`, errors);
    checkTemplateUpdate(next, previous, errors);
  },
  selectableFields: {
    'status.successful': (object) =>
      String((object['status'] as { succeeded?: number } | undefined)?.succeeded ?? 0),
  },
});
