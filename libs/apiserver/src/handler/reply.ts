import type { Status } from '#libs/apimachinery';
import { ApiError } from '#libs/apimachinery';
import type { UnaryResponse } from '../request.js';
import { contentType, encodeAny } from './forms.js';
import { jsonForm, type OutputForm } from './negotiate.js';

const headersByType = new Map<string, Readonly<Record<string, string>>>();

/** Headers shared by all answers of one type: they are never changed. */
export function typeHeaders(type: string): Readonly<Record<string, string>> {
  let headers = headersByType.get(type);
  if (headers === undefined) {
    headers = { 'content-type': type, 'cache-control': 'no-cache, private' };
    headersByType.set(type, headers);
  }
  return headers;
}

export function bytesReply(
  status: number,
  form: OutputForm,
  chunks: readonly Uint8Array[],
  warnings: readonly string[] = [],
): UnaryResponse {
  return { kind: 'unary', status, headers: withWarnings(typeHeaders(contentType(form)), warnings), chunks };
}

export function objectReply(status: number, object: unknown): UnaryResponse {
  return { kind: 'unary', status, headers: typeHeaders('application/json'), object };
}

/** Any failure as the Status that it is answered with. */
export function errorReply(
  error: ApiError,
  wantsObject: boolean,
  form: OutputForm = jsonForm,
): UnaryResponse {
  const status = error.toStatus();
  const retry = error.details?.retryAfterSeconds;
  const reply = statusReply(status, wantsObject, form);
  if (retry === undefined && error.code !== 401) return reply;
  return {
    ...reply,
    headers: {
      ...reply.headers,
      ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
    },
  };
}

export function statusReply(
  status: Status,
  wantsObject: boolean,
  form: OutputForm = jsonForm,
): UnaryResponse {
  if (wantsObject) return objectReply(status.code, status);
  const plain = form.as === 'object' ? form : jsonForm;
  return bytesReply(status.code, plain, [encodeAny(plain, status)]);
}

export function successStatus(details: Status['details']): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    ...(details === undefined ? {} : { details }),
    code: 200,
  };
}

/** Warnings as RFC 7234 wants them: `299 - "text"`. Node takes one string; several are joined by commas. */
function withWarnings(
  headers: Readonly<Record<string, string>>,
  warnings: readonly string[],
): Readonly<Record<string, string>> {
  if (warnings.length === 0) return headers;
  const text = warnings
    .slice(0, warningsMax)
    .map((warning) => `299 - "${escaped(warning)}"`)
    .join(', ');
  return { ...headers, warning: text };
}

const warningsMax = 32;
const warningLengthMax = 256;

function escaped(warning: string): string {
  return warning
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, warningLengthMax)
    .replace(/[\\"]/g, '\\$&');
}
