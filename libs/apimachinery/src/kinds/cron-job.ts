import { invalidValue, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { cronJobColumns } from '../tables/workload-columns.js';
import type { KubernetesObject, ObjectMeta } from '../types.js';
import { checkNonNegative, checkOneOf } from './common/checks.js';
import { cronProblem } from './common/cron.js';
import { setJobSpecDefaults, validateJobSpec } from './job.js';
import type { JobSpec } from './job.js';

interface CronJobSpec {
  schedule?: string;
  timeZone?: string;
  concurrencyPolicy?: string;
  suspend?: boolean;
  startingDeadlineSeconds?: number;
  successfulJobsHistoryLimit?: number;
  failedJobsHistoryLimit?: number;
  jobTemplate?: { metadata?: ObjectMeta; spec?: JobSpec };
}

const specOf = (object: KubernetesObject): CronJobSpec => (object['spec'] ?? {}) as CronJobSpec;

/** 63 less the dash and ten digits that the controller appends for a job's name. */
const maxNameLength = 52;

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  const { schedule = '', timeZone } = spec;
  if (schedule === '') errors.push(required('spec.schedule'));
  else {
    const problem = cronProblem(schedule);
    if (problem !== undefined) errors.push(invalidValue('spec.schedule', schedule, problem));
    if (schedule.includes('TZ'))
      errors.push(
        invalidValue(
          'spec.schedule',
          schedule,
          'cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
        ),
      );
  }
  if (timeZone === '')
    errors.push(invalidValue('spec.timeZone', timeZone, 'timeZone must be nil or non-empty string'));
  else if (timeZone?.toLowerCase() === 'local')
    errors.push(
      invalidValue(
        'spec.timeZone',
        timeZone,
        'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ),
    );
  checkNonNegative(spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds', errors);
  checkOneOf(spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], 'spec.concurrencyPolicy', errors);
  validateJobSpec(spec.jobTemplate?.spec ?? {}, 'spec.jobTemplate.spec', errors);
  if (spec.jobTemplate?.spec?.manualSelector === true)
    errors.push(required('spec.jobTemplate.spec.manualSelector', 'must be unset'));
  checkNonNegative(spec.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit', errors);
  checkNonNegative(spec.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit', errors);
}

export const cronJob = defineKind({
  group: 'batch',
  resource: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  generation: true,
  columns: cronJobColumns,
  setDefaults(object) {
    const spec = specOf(object);
    spec.concurrencyPolicy ??= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    const template = (spec.jobTemplate ??= {});
    template.metadata ??= {};
    setJobSpecDefaults((template.spec ??= {}));
  },
  validate(object, errors) {
    validate(object, errors);
    if ((object.metadata.name ?? '').length > maxNameLength)
      errors.push(
        invalidValue(
          'metadata.name',
          object.metadata.name,
          `must be no more than ${maxNameLength} characters`,
        ),
      );
  },
  validateUpdate(next, _previous, errors, subresource) {
    if (subresource !== 'status') validate(next, errors);
  },
});
