import { ApiError, storeUnavailable, type StatusDetails } from '#libs/apimachinery';
import { StorageError } from '#libs/consensus';

const retry = (seconds: number): StatusDetails => ({ retryAfterSeconds: seconds });

/** Any failure as the error that the API answers with. What is not known becomes 500 without its text. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof StorageError) return storageError(error);
  return new ApiError(
    500,
    'InternalError',
    'Internal error occurred: the server met an unexpected condition',
  );
}

/** True for failures that say nothing is wrong with the request or the server's logic: they are not logged as faults. */
export function isExpected(error: unknown): boolean {
  return error instanceof ApiError || error instanceof StorageError;
}

function storageError(error: StorageError): ApiError {
  switch (error.code) {
    case 'NotLeader':
    case 'NoQuorum':
      return new ApiError(
        503,
        'ServiceUnavailable',
        `the cluster has no leader with a quorum: ${error.message}`,
        retry(1),
      );
    case 'Unavailable':
      return storeUnavailable(error.message);
    case 'Stopped':
      return new ApiError(503, 'ServiceUnavailable', 'this server is shutting down', retry(1));
    case 'Timeout':
      return new ApiError(
        504,
        'Timeout',
        `the request did not complete in time and may still take effect: ${error.message}`,
        retry(1),
      );
    case 'Fenced':
      return new ApiError(
        409,
        'Conflict',
        `the write is fenced: the caller no longer leads: ${error.message}`,
        {
          causes: [{ reason: 'Fenced', message: error.message }],
        },
      );
    case 'QuotaExceeded':
      return new ApiError(500, 'InternalError', 'etcdserver: mvcc: database space exceeded');
    case 'Corrupt':
      return new ApiError(503, 'ServiceUnavailable', error.message);
    case 'Overloaded':
      return new ApiError(429, 'TooManyRequests', `too many writes at once: ${error.message}`, retry(1));
    case 'TooLarge':
      return new ApiError(
        413,
        'RequestEntityTooLarge',
        `the object is too large to be stored: ${error.message}`,
      );
    case 'LeaseNotFound':
      return new ApiError(500, 'InternalError', `Internal error occurred: ${error.message}`);
    case 'BadRequest':
      return new ApiError(400, 'BadRequest', error.message);
    case 'MemberNotFound':
      return new ApiError(404, 'NotFound', error.message);
    case 'MemberExists':
    case 'NotLearner':
    case 'LearnerNotReady':
    case 'QuorumLoss':
    case 'ChangePending':
      return new ApiError(409, 'Conflict', error.message);
    case 'Compacted':
      return new ApiError(410, 'Expired', 'The resourceVersion for the provided request is too old.');
  }
}
