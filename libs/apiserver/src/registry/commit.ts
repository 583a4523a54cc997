import { encodeStored, type KubernetesObject, type ResourceDeclaration } from '#libs/apimachinery';
import { StorageError, type Compare, type KeyValue, type Operation } from '#libs/consensus';
import type { Core } from './core.js';
import type { StoredForm } from './stamp.js';
import { txnOptions, type WriteRequest } from './write-request.js';

export function storedForm(declaration: ResourceDeclaration, object: KubernetesObject): StoredForm {
  const inStorageVersion = declaration.toStorage === undefined ? object : declaration.toStorage(object);
  const { bytes, stampOffset } = encodeStored(inStorageVersion);
  return { object: inStorageVersion, bytes, stampOffset };
}

/** Writes one object under conditions, with what else belongs to it. Undefined when a condition did not hold. */
export async function commitPut(
  core: Core,
  write: WriteRequest,
  key: string,
  stored: StoredForm,
  compare: readonly Compare[],
  extra: readonly Operation[] = [],
): Promise<KeyValue | undefined> {
  const leasing = core.eventLeases?.of(write.declaration);
  const put: Operation = {
    type: 'put',
    key,
    value: stored.bytes,
    stampOffset: stored.stampOffset,
    ...(leasing === undefined ? {} : { lease: await leasing }),
  };
  const written = core.decoded.expect(key, stored);
  try {
    const result = await core.storage.txn({ compare, success: [put, ...extra] }, txnOptions(write));
    if (!result.succeeded) return undefined;
    const [first] = result.results;
    const keyValue = first?.type === 'put' ? first.keyValue : core.storage.get(key);
    // A retried command may come back without its results, when the key has been written again since.
    if (keyValue === undefined || keyValue.modRevision !== result.revision)
      return rebuilt(key, stored, result.revision);
    core.decoded.decode(keyValue);
    return keyValue;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'LeaseNotFound') core.eventLeases?.forget(leasing);
    throw error;
  } finally {
    written();
  }
}

function rebuilt(key: string, stored: StoredForm, revision: KeyValue['modRevision']): KeyValue {
  const text = JSON.stringify({
    ...stored.object,
    metadata: { ...stored.object.metadata, resourceVersion: String(revision) },
  });
  return {
    key,
    value: Buffer.from(text),
    createRevision: revision,
    modRevision: revision,
    version: 1,
    lease: 0,
  };
}

/** Deletes one object under conditions. False when a condition did not hold. */
export async function commitDelete(
  core: Core,
  write: WriteRequest,
  key: string,
  compare: readonly Compare[],
  extra: readonly Operation[] = [],
): Promise<number | undefined> {
  const result = await core.storage.txn(
    { compare, success: [{ type: 'delete', key }, ...extra] },
    txnOptions(write),
  );
  return result.succeeded ? result.revision : undefined;
}
