import { createStore, restoreStoreAnew } from '#libs/mvcc';
import type { Store } from '#libs/mvcc';
import type { WatchEvent } from '#libs/history';
import type { Entry } from '#libs/raft';
import type { Demand } from './seen.js';

const envelopeBytes = 16;
const nothing = new Uint8Array(0);

/** A store that is fed the committed history once, and what it shows: every change, and the hash behind each entry. */
export class Reference {
  /** Changes of the Kubernetes space, in order of revision. */
  readonly changes: WatchEvent[] = [];
  readonly store: Store = createStore();
  private readonly hashes: number[] = [];
  private readonly values = new Set<string>();
  private fencedTerm = 0;

  constructor(private readonly demand: Demand) {}

  /** Undefined for what has not been applied here. */
  hashAt(index: number): number | undefined {
    return this.hashes[index];
  }

  apply(entry: Entry): void {
    const reference = this.store;
    const { revision: before } = reference;
    const command =
      entry.type === 'normal' && entry.data.length > 0 ? entry.data.subarray(envelopeBytes) : nothing;
    const applied = reference.apply(entry.index, entry.term, command);
    this.hashes[entry.index] = reference.hash();
    const { revision } = reference;
    this.demand(
      revision === before || revision === before + 1,
      () => `revision ${revision} follows ${before} at entry ${entry.index}`,
    );
    if (applied?.space !== 'kubernetes') return;
    for (const { type, keyValue } of applied.events) {
      const value = type === 'delete' ? undefined : text(keyValue.value);
      this.demand(
        keyValue.modRevision === revision,
        () => `an event of revision ${keyValue.modRevision} at ${revision}`,
      );
      this.changes.push({ revision, key: keyValue.key, value });
      if (value !== undefined) this.checkValue(keyValue.key, value, entry.term);
    }
  }

  /** Every write of a client has a value of its own: seen twice, it was applied twice. Fenced writes bear their term. */
  private checkValue(key: string, value: string, term: number): void {
    this.demand(!this.values.has(value), () => `the write '${value}' of ${key} was applied twice`);
    this.values.add(value);
    if (!key.startsWith('fence/')) return;
    const claimed = Number(value.slice(0, value.indexOf(':')));
    this.demand(
      claimed === term && claimed >= this.fencedTerm,
      () => `a write fenced to term ${claimed} was applied in term ${term}`,
    );
    this.fencedTerm = claimed;
  }

  /** A cluster that is restored from a backup taken now never uses a revision twice, and holds what was backed up. */
  checkBackup(): void {
    const reference = this.store;
    const restored = restoreStoreAnew(reference.snapshot(), 1_000);
    this.demand(
      restored.revision >= reference.revision + 1_000 && restored.compactedRevision === restored.revision,
      () =>
        `a restored backup is at revision ${restored.revision}; the store it was taken of at ${reference.revision}`,
    );
    const [was, is] = [reference, restored].map((store) => store.range({ start: '', end: '~' }).keyValues);
    const same = was?.length === is?.length && was?.every(({ key }, i) => is?.[i]?.key === key);
    this.demand(
      same === true,
      () => 'a restored backup holds other keys than the store that it was taken of',
    );
  }
}

/** A value as clients write it: its text, then padding behind a bar. */
export function text(value: Uint8Array): string {
  const all = Buffer.from(value).toString('latin1');
  const bar = all.indexOf('|');
  return bar < 0 ? all : all.slice(0, bar);
}
