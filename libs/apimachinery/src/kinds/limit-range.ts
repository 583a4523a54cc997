import { duplicate, forbiddenField, invalidValue, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { compareQuantityTexts } from './common/resources.js';

type Quantities = Record<string, string>;

interface Limit {
  type?: string;
  max?: Quantities;
  min?: Quantities;
  default?: Quantities;
  defaultRequest?: Quantities;
  maxLimitRequestRatio?: Quantities;
}

/** The lesser must not exceed the greater: both, their words in the message, the field that is blamed and the value shown. */
const orders = [
  ['min', 'max', 'min', 'max', 'min', 'min'],
  ['min', 'defaultRequest', 'min', 'default request', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'max', 'default request', 'max', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'default', 'default request', 'default limit', 'defaultRequest', 'defaultRequest'],
  ['min', 'default', 'min', 'default', 'default', 'min'],
  ['default', 'max', 'default', 'max', 'default', 'max'],
] as const;

function checkOrders(limit: Limit, at: string, errors: FieldErrors): void {
  for (const [lesser, greater, lesserWord, greaterWord, field, shown] of orders) {
    for (const [name, low] of Object.entries(limit[lesser] ?? {})) {
      const high = limit[greater]?.[name];
      if (high !== undefined && compareQuantityTexts(low, high) > 0)
        errors.push(
          invalidValue(
            `${at}.${field}[${name}]`,
            limit[shown]![name],
            `${lesserWord} value ${low} is greater than ${greaterWord} value ${high}`,
          ),
        );
    }
  }
}

export const limitRange = defineKind({
  group: '',
  resource: 'limitranges',
  shortNames: ['limits'],
  /** What is not said follows from what is: default from max, requests from default, then from min. */
  setDefaults(object) {
    for (const limit of ((object['spec'] ?? {}) as { limits?: Limit[] }).limits ?? []) {
      if (limit.type !== 'Container') continue;
      if (limit.max !== undefined || limit.default !== undefined)
        limit.default = { ...limit.max, ...limit.default };
      if (limit.default !== undefined || limit.min !== undefined || limit.defaultRequest !== undefined)
        limit.defaultRequest = { ...limit.min, ...limit.default, ...limit.defaultRequest };
    }
  },
  validate(object, errors) {
    const seen = new Set<string>();
    for (const [index, limit] of (((object['spec'] ?? {}) as { limits?: Limit[] }).limits ?? []).entries()) {
      const at = `spec.limits[${index}]`;
      const { type = '' } = limit;
      if (type === '') errors.push(required(`${at}.type`));
      if (seen.has(type)) errors.push(duplicate(`${at}.type`, type));
      seen.add(type);
      if (type === 'Pod')
        for (const field of ['default', 'defaultRequest'] as const)
          if (Object.keys(limit[field] ?? {}).length > 0)
            errors.push(forbiddenField(`${at}.${field}`, "may not be specified when `type` is 'Pod'"));
      if (
        type === 'PersistentVolumeClaim' &&
        limit.min?.['storage'] === undefined &&
        limit.max?.['storage'] === undefined
      )
        errors.push(
          required(
            `${at}.limits`,
            'either minimum or maximum storage value is required, but neither was provided',
          ),
        );
      checkOrders(limit, at, errors);
    }
  },
});
