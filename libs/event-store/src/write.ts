import { encodeValue, StorageError, type TxnRequest } from '#libs/consensus';

/** The one change of one object that a transaction on this store may be. */
export interface Write {
  readonly key: string;
  /** Undefined deletes. */
  readonly value: Buffer | undefined;
  /** The mod revision that is demanded, 0 where there must be no object; undefined: whatever is there. */
  readonly expected: number | undefined;
}

/**
 * A transaction as the store can take it: one put or delete of one key, on condition of that key's mod revision at most,
 * which is all that the API asks of Events. Throws StorageError BadRequest for any other.
 */
export function toWrite({ compare, success, failure = [] }: TxnRequest): Write {
  const [operation, ...others] = success;
  const [condition, ...more] = compare;
  if (operation === undefined || others.length + more.length + failure.length > 0)
    throw unsupported('more, or less, than one change on one condition');
  if (operation.type === 'get' || (operation.type === 'delete' && operation.end !== undefined))
    throw unsupported('anything but a put or a delete of one key');
  if (operation.key === '') throw new StorageError('BadRequest', 'a key must not be empty');
  if (condition !== undefined) {
    const { key, target, operator } = condition;
    if (key !== operation.key || target !== 'modRevision' || operator !== '=')
      throw unsupported("any condition but on the key's own mod revision");
  }
  return {
    key: operation.key,
    value: operation.type === 'put' ? encodeValue(operation.value, operation.stampOffset) : undefined,
    expected: condition?.operand as number | undefined,
  };
}

function unsupported(what: string): StorageError {
  return new StorageError('BadRequest', `the events store does not take ${what}`);
}
