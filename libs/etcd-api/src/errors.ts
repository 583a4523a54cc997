import { status } from '@grpc/grpc-js';
import { EtcdRefusal, StorageError } from '#libs/consensus';
import type { EtcdRefusalCode, StorageErrorCode } from '#libs/consensus';

/** An answer that is an error: gRPC's code, and the text by which etcd's clients tell errors apart. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  constructor(
    readonly code: status,
    message: string,
  ) {
    super(message);
  }
}

const {
  DATA_LOSS,
  INVALID_ARGUMENT,
  OUT_OF_RANGE,
  NOT_FOUND,
  FAILED_PRECONDITION,
  RESOURCE_EXHAUSTED,
  UNAVAILABLE,
} = status;

/** Every error that etcd has a name for and this service can give. Source: etcd's api/v3rpc/rpctypes. */
export const errors = {
  emptyKey: [INVALID_ARGUMENT, 'etcdserver: key is not provided'],
  keyNotFound: [INVALID_ARGUMENT, 'etcdserver: key not found'],
  valueProvided: [INVALID_ARGUMENT, 'etcdserver: value is provided'],
  leaseProvided: [INVALID_ARGUMENT, 'etcdserver: lease is provided'],
  tooManyOps: [INVALID_ARGUMENT, 'etcdserver: too many operations in txn request'],
  duplicateKey: [INVALID_ARGUMENT, 'etcdserver: duplicate key given in txn request'],
  invalidSortOption: [INVALID_ARGUMENT, 'etcdserver: invalid sort option'],
  requestTooLarge: [INVALID_ARGUMENT, 'etcdserver: request is too large'],
  memberBadUrls: [INVALID_ARGUMENT, 'etcdserver: given member URLs are invalid'],
  compacted: [OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted'],
  futureRevision: [OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision'],
  leaseTtlTooLarge: [OUT_OF_RANGE, 'etcdserver: too large lease TTL'],
  leaseNotFound: [NOT_FOUND, 'etcdserver: requested lease not found'],
  memberNotFound: [NOT_FOUND, 'etcdserver: member not found'],
  memberUrlExists: [FAILED_PRECONDITION, 'etcdserver: Peer URLs already exists'],
  memberNotLearner: [FAILED_PRECONDITION, 'etcdserver: can only promote a learner member'],
  learnerNotReady: [
    FAILED_PRECONDITION,
    'etcdserver: can only promote a learner member which is in sync with leader',
  ],
  memberNotEnoughStarted: [
    FAILED_PRECONDITION,
    'etcdserver: re-configuration failed due to not enough started members',
  ],
  unhealthy: [UNAVAILABLE, 'etcdserver: unhealthy cluster'],
  leaseExists: [FAILED_PRECONDITION, 'etcdserver: lease already exists'],
  badLeaderTransferee: [FAILED_PRECONDITION, 'etcdserver: bad leader transferee'],
  authNotEnabled: [FAILED_PRECONDITION, 'etcdserver: authentication is not enabled'],
  noSpace: [RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded'],
  tooManyRequests: [RESOURCE_EXHAUSTED, 'etcdserver: too many requests'],
  corrupt: [DATA_LOSS, 'etcdserver: corrupt cluster'],
  noLeader: [UNAVAILABLE, 'etcdserver: no leader'],
  leaderChanged: [UNAVAILABLE, 'etcdserver: leader changed'],
  stopped: [UNAVAILABLE, 'etcdserver: server stopped'],
  timeout: [UNAVAILABLE, 'etcdserver: request timed out'],
} as const satisfies Record<string, readonly [status, string]>;

export function etcdError(name: keyof typeof errors): EtcdError {
  const [code, message] = errors[name];
  return new EtcdError(code, message);
}

const ofRefusal: Readonly<Record<EtcdRefusalCode, keyof typeof errors>> = {
  compacted: 'compacted',
  futureRevision: 'futureRevision',
  leaseNotFound: 'leaseNotFound',
  leaseExists: 'leaseExists',
  duplicateKey: 'duplicateKey',
  keyNotFound: 'keyNotFound',
};

const ofStorage: Partial<Record<StorageErrorCode, keyof typeof errors>> = {
  NoQuorum: 'noLeader',
  NotLeader: 'leaderChanged',
  Fenced: 'leaderChanged',
  Timeout: 'timeout',
  QuotaExceeded: 'noSpace',
  Corrupt: 'corrupt',
  Overloaded: 'tooManyRequests',
  TooLarge: 'requestTooLarge',
  Compacted: 'compacted',
  LeaseNotFound: 'leaseNotFound',
  Stopped: 'stopped',
  MemberExists: 'memberUrlExists',
  MemberNotFound: 'memberNotFound',
  NotLearner: 'memberNotLearner',
  LearnerNotReady: 'learnerNotReady',
  QuorumLoss: 'memberNotEnoughStarted',
  // What etcd says while a change cannot be made safely; its clients try again.
  ChangePending: 'unhealthy',
};

/** What a failed call is answered with: etcd's own error where it has one. */
export function asEtcdError(error: unknown): EtcdError {
  if (error instanceof EtcdError) return error;
  if (error instanceof EtcdRefusal) return etcdError(ofRefusal[error.code]);
  if (error instanceof StorageError) {
    const name = ofStorage[error.code];
    return name === undefined ? new EtcdError(INVALID_ARGUMENT, error.message) : etcdError(name);
  }
  return new EtcdError(status.INTERNAL, error instanceof Error ? error.message : String(error));
}
