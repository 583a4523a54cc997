/**
 * What lies where under the prefix of a cluster in an external etcd. Stored keys are appended to `kv` as they are, so
 * that `/registry/…` is found at `<prefix>kv/registry/…`; the rest is ours.
 */
export interface Layout {
  /** All of it: what is loaded and watched. */
  readonly start: Buffer;
  readonly end: Buffer;
  /** Identity of the cluster that the data belong to. Written once; the revision of a read of it is the newest. */
  readonly cluster: Buffer;
  /** Written when a watch has to be moved on and this etcd cannot be trusted to tell its progress. */
  readonly sync: Buffer;
  /** A member that runs, under its session's lease. */
  member(id: number): Buffer;
  /** Its candidacy: the oldest one leads. */
  candidate(id: number): Buffer;
  data(key: string): Buffer;
  /** The exclusive end of a range of stored keys; `unboundedEnd` is the end of them all. */
  dataEnd(end: string): Buffer;
  /** What a key under the prefix is. */
  parse(key: Buffer): Place;
}

export type Place =
  | { readonly kind: 'data'; readonly key: string }
  | { readonly kind: 'member' | 'candidate'; readonly id: number }
  | { readonly kind: 'other' };

const unbounded = '\0';

export function layoutOf(prefix: string): Layout {
  const at = (rest: string): Buffer => Buffer.from(prefix + rest);
  const dataStart = at('kv');
  const prefixBytes = dataStart.length;
  return {
    start: at(''),
    // The prefix ends with a slash; the next byte ends everything below it.
    end: Buffer.from(`${prefix.slice(0, -1)}0`),
    cluster: at('cluster'),
    sync: at('sync'),
    member: (id) => at(`member/${id}`),
    candidate: (id) => at(`election/${id}`),
    data: (key) => at(`kv${key}`),
    dataEnd: (end) => (end === unbounded ? at('kw') : at(`kv${end}`)),
    parse(bytes) {
      if (bytes.length >= prefixBytes && bytes.compare(dataStart, 0, prefixBytes, 0, prefixBytes) === 0)
        return { kind: 'data', key: bytes.toString('utf8', prefixBytes) };
      const [kind, id] = bytes.toString('utf8', prefixBytes - 2).split('/');
      if (kind === 'member' && id !== undefined) return { kind: 'member', id: Number(id) };
      if (kind === 'election' && id !== undefined) return { kind: 'candidate', id: Number(id) };
      return { kind: 'other' };
    },
  };
}
