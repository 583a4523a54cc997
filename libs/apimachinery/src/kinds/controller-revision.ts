import { required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import { controllerRevisionColumns } from '../tables/workload-columns.js';
import { checkNonNegative } from './common/checks.js';
import { checkImmutable } from './common/workload.js';

export const controllerRevision = defineKind({
  group: 'apps',
  resource: 'controllerrevisions',
  columns: controllerRevisionColumns,
  validate(object, errors) {
    const { data, revision } = object as { data?: unknown; revision?: number };
    if (data === undefined || data === null) errors.push(required('data', 'data is mandatory'));
    else if (typeof data !== 'object' || Array.isArray(data))
      errors.push(required('data', 'data must be a valid JSON object'));
    checkNonNegative(revision, 'revision', errors);
  },
  validateUpdate(next, previous, errors) {
    checkNonNegative((next as { revision?: number }).revision, 'revision', errors);
    checkImmutable(next['data'], previous['data'], 'data', errors);
  },
});
