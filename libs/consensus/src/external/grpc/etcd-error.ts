import { StorageError } from '../../storage.js';

/** Status codes of gRPC that mean something here. */
const grpc = {
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** What etcd, or the way there, answered a call with. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  constructor(
    readonly code: number,
    /** etcd's own text, or what gRPC says of the connection. */
    readonly details: string,
    readonly endpoint: string,
  ) {
    super(`etcd at ${endpoint}: ${details}`);
  }

  /** The endpoint is of no use now; another one may be. */
  get isUnreachable(): boolean {
    return this.code === grpc.unavailable || this.code === grpc.deadlineExceeded;
  }

  /** It has certainly had no effect: it never left, or was turned away at the door. */
  get hadNoEffect(): boolean {
    return (
      this.code === grpc.unavailable &&
      /No connection established|failed to connect|Name resolution|cut off|no leader/i.test(this.details)
    );
  }

  get isStaleToken(): boolean {
    return /invalid auth token|revision of auth store is old/.test(this.details);
  }

  get isCompacted(): boolean {
    return this.details.includes('required revision has been compacted');
  }

  get isLeaseNotFound(): boolean {
    return this.details.includes('requested lease not found');
  }

  get isLeaseTaken(): boolean {
    return this.details.includes('lease already exists');
  }

  get isNotAllowed(): boolean {
    return (
      this.code === grpc.permissionDenied ||
      this.code === grpc.unauthenticated ||
      /authentication failed|user name is empty|permission denied/.test(this.details)
    );
  }
}

/** As the Storage port reports it. Everything that etcd did not certainly refuse may have taken effect. */
export function storageError(error: unknown): unknown {
  if (!(error instanceof EtcdError)) return error;
  const { details, message } = error;
  if (error.isLeaseNotFound)
    return new StorageError('LeaseNotFound', 'the lease does not exist or has expired; nothing was written');
  if (details.includes('database space exceeded'))
    return new StorageError(
      'QuotaExceeded',
      `${message}: only reads and deletes are taken until space is made and etcd's alarm is disarmed`,
    );
  if (/request is too large|message larger than max|too many operations/.test(details))
    return new StorageError('TooLarge', message);
  if (details.includes('too many requests')) return new StorageError('Overloaded', message);
  if (error.isNotAllowed) return new StorageError('NoQuorum', message);
  if (error.hadNoEffect) return new StorageError('NoQuorum', message);
  if (error.isUnreachable) return new StorageError('Timeout', message);
  return new StorageError('BadRequest', message);
}
