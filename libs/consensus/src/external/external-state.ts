import { asRevision, createMirror } from '#libs/mvcc';
import type { Mirror, MirrorChange, StoreEvent } from '#libs/mvcc';
import type { WireEvent } from './grpc/messages.js';
import type { Layout } from './layout.js';
import { toKeyValue, toRecord } from './load.js';
import type { ClusterRecord, Loaded } from './load.js';

/** What some events of etcd did to a replica. */
export interface Applied {
  /** Of the stored keys, in revision order. */
  readonly events: readonly StoreEvent[];
  /** Whether members or candidacies have changed. */
  readonly recordsChanged: boolean;
}

/** A replica of one prefix of etcd: the stored keys with their history, and our own records beside. */
export class ExternalState {
  readonly mirror: Mirror;
  readonly #layout: Layout;
  readonly #records: Map<string, ClusterRecord>;

  constructor(layout: Layout, loaded: Loaded) {
    this.#layout = layout;
    this.mirror = createMirror(loaded.revision, loaded.data);
    this.#records = new Map(loaded.records);
  }

  /** Applies whole revisions, in order. Throws MirrorError when they do not follow from what is here. */
  apply(events: readonly WireEvent[]): Applied {
    const changes: MirrorChange[] = [];
    let recordsChanged = false;
    for (const { type, kv } of events) {
      const place = this.#layout.parse(kv.key);
      if (place.kind === 'data') {
        changes.push(
          type === 'PUT'
            ? { type: 'put', keyValue: toKeyValue(place.key, kv) }
            : { type: 'delete', key: place.key, revision: asRevision(kv.mod_revision) },
        );
      } else if (place.kind !== 'other') {
        recordsChanged = true;
        const name = `${place.kind}/${place.id}`;
        if (type === 'PUT') this.#records.set(name, toRecord(place, kv));
        else this.#records.delete(name);
      }
    }
    const applied = this.mirror.apply(changes);
    const last = events.at(-1);
    if (last !== undefined) this.mirror.advance(asRevision(last.kv.mod_revision));
    return { events: applied, recordsChanged };
  }

  record(kind: ClusterRecord['kind'], id: number): ClusterRecord | undefined {
    return this.#records.get(`${kind}/${id}`);
  }

  /** Candidacies, the leader's first: the oldest one leads. */
  candidates(): readonly ClusterRecord[] {
    return [...this.#records.values()]
      .filter(({ kind }) => kind === 'candidate')
      .sort((a, b) => a.createRevision - b.createRevision);
  }
}
