import { forbiddenField, invalidValue, tooLong } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { configMapColumns } from '../tables/core-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkRule } from './common/checks.js';
import { isConfigMapKey } from './common/names.js';

interface ConfigMap {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

/** Of all values together: what a ConfigMap or Secret may hold. */
export const maxDataBytes = 1024 * 1024;

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const { data = {}, binaryData = {} } = object as ConfigMap;
  let size = 0;
  for (const key in data) {
    checkRule(key, isConfigMapKey, `data[${key}]`, errors);
    if (Object.hasOwn(binaryData, key))
      errors.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    size += data[key]!.length;
  }
  for (const key in binaryData) {
    checkRule(key, isConfigMapKey, `binaryData[${key}]`, errors);
    size += (binaryData[key]!.length * 3) / 4;
  }
  if (size > maxDataBytes) errors.push(tooLong('', maxDataBytes));
}

/** An immutable object's data and the mark itself stay. */
export function checkImmutableData(
  next: KubernetesObject,
  previous: KubernetesObject,
  fields: readonly string[],
  errors: FieldErrors,
): void {
  if (previous['immutable'] !== true) return;
  for (const field of ['immutable', ...fields])
    if (!semanticEqual(next[field], previous[field]))
      errors.push(forbiddenField(field, 'field is immutable when `immutable` is set'));
}

export const configMap = defineKind({
  group: '',
  resource: 'configmaps',
  shortNames: ['cm'],
  columns: configMapColumns,
  validate,
  validateUpdate(next, previous, errors) {
    checkImmutableData(next, previous, ['data', 'binaryData'], errors);
    validate(next, errors);
  },
});
