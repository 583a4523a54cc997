import { invalidValue, notSupported, required } from '../../errors/field-errors.js';
import type { FieldErrors } from '../../scheme/define-kind.js';
import {
  isDns1123Label,
  isPercent,
  isQualifiedName,
  isLabelValue,
  isValidPort,
  isValidPortName,
} from './names.js';
import { validateLabels } from './metadata.js';
import type { LabelSelector } from './pod-types.js';

/** Small checks that many kinds share. Each adds to `errors` and returns nothing. */
export function checkNonNegative(value: number | undefined, path: string, errors: FieldErrors): void {
  if (value !== undefined && value < 0)
    errors.push(invalidValue(path, value, 'must be greater than or equal to 0'));
}

export function checkPositive(value: number | undefined, path: string, errors: FieldErrors): void {
  if ((value ?? 0) <= 0) errors.push(invalidValue(path, value ?? 0, 'must be greater than zero'));
}

/** Required unless `optional`, and one of the words. */
export function checkOneOf(
  value: string | undefined,
  words: readonly string[],
  path: string,
  errors: FieldErrors,
  optional = false,
): void {
  if (value === undefined || value === '') {
    if (!optional) errors.push(required(path));
  } else if (!words.includes(value)) errors.push(notSupported(path, value, words));
}

/** What a rule of `names.ts` says against a value. */
export function checkRule(
  value: string,
  rule: (value: string) => readonly string[],
  path: string,
  errors: FieldErrors,
): void {
  for (const message of rule(value)) errors.push(invalidValue(path, value, message));
}

export function checkRequiredLabel(value: string | undefined, path: string, errors: FieldErrors): void {
  if (value === undefined || value === '') errors.push(required(path));
  else checkRule(value, isDns1123Label, path, errors);
}

export function checkPortNumberOrName(
  port: number | string | undefined,
  path: string,
  errors: FieldErrors,
): void {
  if (typeof port === 'string') checkRule(port, isValidPortName, path, errors);
  else for (const message of isValidPort(port ?? 0)) errors.push(invalidValue(path, port ?? 0, message));
}

/** A count, or a percentage like "25%"; `maxPercent` bounds the latter. */
export function checkIntOrPercent(
  value: number | string | undefined,
  path: string,
  errors: FieldErrors,
  maxPercent?: 100,
): void {
  if (value === undefined) return;
  if (typeof value === 'number') checkNonNegative(value, path, errors);
  else checkRule(value, isPercent, path, errors);
  if (maxPercent !== undefined) checkAtMost100Percent(value, path, errors);
}

export function checkAtMost100Percent(
  value: number | string | undefined,
  path: string,
  errors: FieldErrors,
): void {
  if (typeof value === 'string' && isPercent(value).length === 0 && Number(value.slice(0, -1)) > 100)
    errors.push(invalidValue(path, value, 'must not be greater than 100%'));
}

export function checkLabelSelector(
  selector: LabelSelector | undefined,
  path: string,
  errors: FieldErrors,
): void {
  if (selector === undefined) return;
  validateLabels(selector.matchLabels, `${path}.matchLabels`, errors);
  for (const [index, { key = '', operator = '', values = [] }] of (
    selector.matchExpressions ?? []
  ).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        errors.push({
          type: 'Forbidden',
          field: `${at}.values`,
          detail: "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        });
    } else errors.push(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
    checkRule(key, isQualifiedName, `${at}.key`, errors);
    for (const [item, value] of values.entries())
      checkRule(value, isLabelValue, `${at}.values[${item}]`, errors);
  }
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return (
    Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0
  );
}

/** Whether a selector matches labels. An empty selector matches all. */
export function selectorMatches(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  const held = (key: string): string | undefined =>
    labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    if (held(key) !== value) return false;
  return (selector.matchExpressions ?? []).every(({ key = '', operator, values = [] }) => {
    const value = held(key);
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      default:
        return value === undefined;
    }
  });
}

export const protocols = ['SCTP', 'TCP', 'UDP'] as const;
