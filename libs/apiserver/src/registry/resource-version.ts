import { badRequest, fieldErrors, invalid, resourceVersionTooLarge } from '#libs/apimachinery';
import type { KeyStorage, Revision } from '#libs/consensus';
import type { Clock } from '../clock.js';

/** A resourceVersion of a query: undefined when unset. Throws ApiError 400 for what is no revision. */
export function parseResourceVersion(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text))
    throw badRequest(`Invalid value: ${JSON.stringify(text)}: resourceVersion must be a decimal number`);
  return Number(text);
}

export type ResourceVersionMatch = 'Exact' | 'NotOlderThan' | undefined;

export interface ReadAt {
  /** Read exactly this revision; undefined reads the newest. */
  readonly exact: Revision | undefined;
}

export interface ListVersionOptions {
  readonly resourceVersion: string | null;
  readonly match: string | null;
  readonly hasContinue: boolean;
  readonly limit: number;
}

/**
 * Makes the local replica fresh enough for a read, as the API conventions demand: unset is linearizable, 0 takes what
 * is there, a revision is a lower bound unless the match says Exact (or a limit makes the legacy rule apply).
 */
export async function prepareRead(
  storage: KeyStorage,
  clock: Clock,
  options: ListVersionOptions,
): Promise<ReadAt> {
  const revision = parseResourceVersion(options.resourceVersion);
  const match = parseMatch(options, revision);
  if (options.hasContinue) return { exact: undefined };
  if (revision === undefined) {
    await storage.barrier();
    return { exact: undefined };
  }
  if (revision === 0) return { exact: undefined };
  await waitForRevision(storage, clock, revision);
  const exact = match === 'Exact' || (match === undefined && options.limit > 0);
  return { exact: exact ? (revision as Revision) : undefined };
}

function parseMatch(options: ListVersionOptions, revision: number | undefined): ResourceVersionMatch {
  const { match } = options;
  if (match === null || match === '') return undefined;
  const refuse = (type: 'Forbidden' | 'NotSupported', detail: string) =>
    invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      type === 'Forbidden'
        ? { type, field: 'resourceVersionMatch', detail }
        : { type, field: 'resourceVersionMatch', detail, value: match },
    ]);
  if (options.hasContinue)
    throw refuse('Forbidden', 'resourceVersionMatch is forbidden when continue is provided');
  if (revision === undefined)
    throw refuse('Forbidden', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan')
    throw refuse('NotSupported', 'supported values: "Exact", "NotOlderThan", ""');
  if (match === 'Exact' && revision === 0)
    throw refuse('Forbidden', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  return match;
}

const freshWaitMs = 3000;

/** Waits until the replica has applied `revision`. Throws ApiError 504 "Too large resource version" after 3 s. */
export async function waitForRevision(storage: KeyStorage, clock: Clock, revision: number): Promise<void> {
  if (storage.revision >= revision) return;
  // Perhaps this replica lags: a barrier brings it up to date if the revision exists anywhere.
  let cancel = () => {};
  const deadline = new Promise<void>((resolve) => {
    cancel = clock.after(freshWaitMs, resolve);
  });
  try {
    await Promise.race([storage.barrier(freshWaitMs), deadline]);
  } finally {
    cancel();
  }
  if (storage.revision < revision) throw resourceVersionTooLarge(revision, storage.revision);
}

/** The precondition of an object's own resourceVersion: undefined when unset. Throws ApiError 422 otherwise malformed. */
export function objectRevision(
  resourceVersion: string | undefined,
  kind: { group: string; kind: string },
  name: string,
): number | undefined {
  if (resourceVersion === undefined || resourceVersion === '' || resourceVersion === '0') return undefined;
  if (!/^[1-9][0-9]{0,15}$/.test(resourceVersion))
    throw invalid(kind, name, [
      fieldErrors.invalidValue('metadata.resourceVersion', resourceVersion, 'must be a decimal number'),
    ]);
  return Number(resourceVersion);
}
