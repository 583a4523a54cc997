import type { FieldError } from '../types.js';

/**
 * Field errors in the words of k8s.io/apimachinery/pkg/util/validation/field. Constructors take the path, the value
 * and the detail in that order.
 */
export function required(field: string, detail = ''): FieldError {
  return { type: 'Required', field, detail };
}

export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { type: 'Invalid', field, value, detail };
}

/** The supported values are told in the order given. */
export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const detail =
    supported.length === 0
      ? ''
      : `supported values: ${supported.map((word) => JSON.stringify(word)).join(', ')}`;
  return { type: 'NotSupported', field, value: value ?? '', detail };
}

/** A name that refers to something that is not there. */
export function missing(field: string, value: unknown): FieldError {
  return { type: 'NotFound', field, value, detail: '' };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'Duplicate', field, value, detail: '' };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { type: 'Forbidden', field, detail };
}

export function tooLong(field: string, maxBytes: number): FieldError {
  return { type: 'TooLong', field, detail: `may not be more than ${maxBytes} bytes` };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  return { type: 'TooMany', field, value: actual, detail: `must have at most ${max} items` };
}

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return { type: 'TypeInvalid', field, value, detail };
}

export const immutableMessage = 'field is immutable';

export function immutable(field: string, value: unknown): FieldError {
  return invalidValue(field, value, immutableMessage);
}

const words: Record<FieldError['type'], string> = {
  Required: 'Required value',
  Invalid: 'Invalid value',
  NotSupported: 'Unsupported value',
  NotFound: 'Not found',
  Duplicate: 'Duplicate value',
  Forbidden: 'Forbidden',
  TooLong: 'Too long',
  TooMany: 'Too many',
  TypeInvalid: 'Invalid value',
};

const causeReasons: Record<FieldError['type'], string> = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  NotSupported: 'FieldValueNotSupported',
  NotFound: 'FieldValueNotFound',
  Duplicate: 'FieldValueDuplicate',
  Forbidden: 'FieldValueForbidden',
  TooLong: 'FieldValueTooLong',
  TooMany: 'FieldValueTooMany',
  TypeInvalid: 'FieldValueTypeInvalid',
};

function quoteValue(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  return JSON.stringify(value);
}

/** `Invalid value: "x": must be …`, without the path. */
export function fieldErrorBody(error: FieldError): string {
  const word = words[error.type];
  let body: string;
  switch (error.type) {
    case 'Required':
    case 'Forbidden':
    case 'TooLong':
      body = word;
      break;
    case 'TooMany':
      body = error.value === undefined ? word : `${word}: ${String(error.value)}`;
      break;
    case 'Invalid':
    case 'NotSupported':
    case 'NotFound':
    case 'Duplicate':
    case 'TypeInvalid':
      body = `${word}: ${quoteValue(error.value)}`;
  }
  return error.detail === '' ? body : `${body}: ${error.detail}`;
}

/** `spec.replicas: Invalid value: -1: must be …`. */
export function fieldErrorMessage(error: FieldError): string {
  return `${error.field === '' ? '<nil>' : error.field}: ${fieldErrorBody(error)}`;
}

/** One error as it is, several as `[a, b]`; repeated ones once, as Kubernetes' Aggregate does. */
export function aggregateFieldErrors(errors: readonly FieldError[]): string {
  const unique = [...new Set(errors.map(fieldErrorMessage))];
  return unique.length === 1 ? unique[0]! : `[${unique.join(', ')}]`;
}

export function causesOf(
  errors: readonly FieldError[],
): { reason: string; message: string; field: string }[] {
  return errors.map((error) => ({
    reason: causeReasons[error.type],
    message: fieldErrorBody(error),
    field: error.field,
  }));
}
