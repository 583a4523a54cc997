import { badRequest, fieldErrors, invalid, type FieldValidation } from '#libs/apimachinery';
import { isTrue } from './request-info.js';

/** Options of a create, update or patch. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Of the query; undefined where the client names none. */
  readonly fieldManager: string | undefined;
  readonly force: boolean;
}

const fieldManagerMax = 128;

/** Reads the query of a write; `kind` is named in errors: CreateOptions, UpdateOptions or PatchOptions. */
export function writeOptions(query: URLSearchParams, kind: string): WriteOptions {
  const of = { group: 'meta.k8s.io', kind };
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((each) => each !== 'All'))
    throw invalid(of, '', [fieldErrors.notSupported('dryRun', dryRun, ['All'])]);
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (!['', 'Strict', 'Warn', 'Ignore'].includes(fieldValidation))
    throw invalid(of, '', [
      fieldErrors.notSupported('fieldValidation', fieldValidation, ['Ignore', 'Warn', 'Strict']),
    ]);
  const fieldManager = query.get('fieldManager') ?? undefined;
  if (fieldManager !== undefined && fieldManager.length > fieldManagerMax)
    throw invalid(of, '', [fieldErrors.tooLong('fieldManager', fieldManagerMax)]);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as FieldValidation),
    fieldManager: fieldManager === '' ? undefined : fieldManager,
    force: isTrue(query.get('force')),
  };
}

/** What updates are attributed to where the client names no manager: its program, as its User-Agent begins. */
export function defaultFieldManager(userAgent: string | undefined): string {
  const program = (userAgent ?? 'unknown').split('/')[0] ?? '';
  return program === '' ? 'unknown' : program.slice(0, fieldManagerMax);
}

const defaultWatchSeconds = 1800;

/** Seconds that a watch lasts: as asked, else half an hour to an hour. */
export function watchTimeoutSeconds(query: URLSearchParams, random: () => number): number {
  const text = query.get('timeoutSeconds');
  if (text === null || text === '' || text === '0') return defaultWatchSeconds * (1 + random());
  if (!/^[0-9]{1,9}$/.test(text))
    throw badRequest(`timeoutSeconds must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}
