/**
 * A data directory that cannot be served from. The message says what is wrong and what to do; the
 * replica must not start, since answering from such a directory could break a promise made earlier.
 */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
  constructor(
    readonly code: 'Locked' | 'NotWritable' | 'Foreign' | 'Damaged',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** This replica's member was removed from the cluster. It has stopped, and must not be started again under the same id. */
export class MemberRemovedError extends Error {
  override readonly name = 'MemberRemovedError';
}

export const rebuildAdvice =
  'Keep the directory for inspection, then restore this member from a backup, or remove it from the cluster and add it again under a new member id with an empty directory. Do not empty it and start under the same id: the member would forget its votes.';
