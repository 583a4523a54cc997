import { asRevision } from '#libs/mvcc';
import type { KeyValue, Revision } from '#libs/mvcc';
import { EtcdError } from './grpc/etcd-error.js';
import type { EtcdConnection } from './grpc/connection.js';
import type { WireKeyValue } from './grpc/messages.js';
import type { Layout } from './layout.js';
import { decodeValue } from './stored-value.js';

/** Everything below the prefix at one revision. */
export interface Loaded {
  readonly revision: Revision;
  readonly data: readonly KeyValue[];
  readonly records: ReadonlyMap<string, ClusterRecord>;
}

/** One of our own records beside the stored keys: a member, or a candidacy. */
export interface ClusterRecord {
  readonly kind: 'member' | 'candidate';
  readonly id: number;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly lease: number;
}

const pageKeys = 500;
const pageTimeoutMs = 10_000;

/** Reads all of it in pages of one revision: `at`, or the newest. Throws EtcdError, `isCompacted` when that revision is gone. */
export async function load(connection: EtcdConnection, layout: Layout, at?: number): Promise<Loaded> {
  const data: KeyValue[] = [];
  const records = new Map<string, ClusterRecord>();
  let revision = at ?? 0;
  let limit = pageKeys;
  for (let key = layout.start; ;) {
    const request = { key, range_end: layout.end, limit, revision };
    try {
      const page = await connection.call('KV/Range', request, pageTimeoutMs);
      if (revision === 0) ({ revision } = page.header);
      for (const kv of page.kvs) take(kv, layout, data, records);
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return { revision: asRevision(revision), data, records };
      key = Buffer.concat([last.key, Buffer.of(0)]);
    } catch (error) {
      // Values may be so large that a page is more than is taken at once.
      if (!(error instanceof EtcdError && /message larger than max/.test(error.details)) || limit === 1)
        throw error;
      limit = Math.ceil(limit / 4);
    }
  }
}

function take(kv: WireKeyValue, layout: Layout, data: KeyValue[], records: Map<string, ClusterRecord>): void {
  const place = layout.parse(kv.key);
  if (place.kind === 'data') data.push(toKeyValue(place.key, kv));
  else if (place.kind !== 'other') records.set(`${place.kind}/${place.id}`, toRecord(place, kv));
}

export function toKeyValue(key: string, kv: WireKeyValue): KeyValue {
  return {
    key,
    value: decodeValue(kv.value, kv.mod_revision),
    createRevision: asRevision(kv.create_revision),
    modRevision: asRevision(kv.mod_revision),
    version: kv.version,
    lease: kv.lease,
  };
}

export function toRecord(place: Pick<ClusterRecord, 'kind' | 'id'>, kv: WireKeyValue): ClusterRecord {
  return {
    kind: place.kind,
    id: place.id,
    value: kv.value.toString('utf8'),
    createRevision: kv.create_revision,
    modRevision: kv.mod_revision,
    lease: kv.lease,
  };
}
