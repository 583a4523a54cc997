import { decodeValue } from '#libs/consensus';
import { asRevision } from '#libs/mvcc';
import type { KeyValue, MirrorChange } from '#libs/mvcc';

/**
 * An object as Redis holds it: `<create revision> <mod revision> <version>\n`, written by the scripts, then the stored
 * value (consensus' `encodeValue`), whose slot every reader fills with the revision.
 */
export function decodeRecord(key: string, record: Buffer): KeyValue {
  const end = record.indexOf(0x0a);
  const header = end < 0 ? '' : record.toString('latin1', 0, end);
  const match = /^(\d{1,16}) (\d{1,16}) (\d{1,16})$/.exec(header);
  if (match === null) throw new Error(`what Redis holds of '${key}' was not written by this product`);
  const [create, mod, version] = match.slice(1).map(Number) as [number, number, number];
  return {
    key,
    value: decodeValue(record.subarray(end + 1), mod),
    createRevision: asRevision(create),
    modRevision: asRevision(mod),
    version,
    lease: 0,
  };
}

/** One entry of the stream: its id is the revision, its fields the key and, unless it was deleted, the record. */
export type StreamEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/** What an entry of the stream changed. Throws Error for what this product did not write. */
export function decodeEntry([id, fields]: StreamEntry): MirrorChange {
  const revision = Number(/^(\d{1,16})-0$/.exec(id.toString('latin1'))?.[1]);
  const [, key, , record] = fields;
  if (!Number.isSafeInteger(revision) || key === undefined)
    throw new Error(`entry ${id.toString('latin1')} of the stream was not written by this product`);
  const name = key.toString('utf8');
  return record === undefined
    ? { type: 'delete', key: name, revision: asRevision(revision) }
    : { type: 'put', keyValue: decodeRecord(name, record) };
}

export function revisionOf(change: MirrorChange): number {
  return change.type === 'put' ? change.keyValue.modRevision : change.revision;
}
