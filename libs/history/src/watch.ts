/** A change of one key. */
export interface WatchEvent {
  readonly revision: number;
  readonly key: string;
  /** Undefined: the key was deleted. */
  readonly value: string | undefined;
}

/** What a watcher received, or did, one after the other. */
export type WatchItem =
  /** `batch` numbers the answer that carried the event. */
  | ({ readonly kind: 'event'; readonly batch: number } & WatchEvent)
  /** The server's promise: every event up to this revision has been sent. */
  | { readonly kind: 'bookmark'; readonly revision: number }
  /** The watcher began again, asking for what came after this revision. */
  | { readonly kind: 'resume'; readonly after: number };

export interface WatchStream {
  readonly name: string;
  /** Keys with this beginning are watched. */
  readonly prefix: string;
  /** Events after this revision are wanted. */
  readonly after: number;
  readonly items: readonly WatchItem[];
  /** The watcher was given time to receive everything up to here; by default up to what it last heard of. */
  readonly completeTo?: number;
}

export interface WatchFault {
  readonly stream: string;
  readonly fault:
    | 'ordered' // a revision below an earlier one's
    | 'unique' // the same event twice, without having asked again
    | 'atomic' // the events of one revision in several answers
    | 'reliable' // an event is missing
    | 'bookmarkable' // an event at or before a bookmark came after it, or a bookmark went back
    | 'resumable' // an event that the resumed watch had not asked for
    | 'truthful'; // an event that was never committed, or with another value than elsewhere
  readonly revision: number;
  readonly detail: string;
}

export interface WatchCheckOptions {
  /** Changes known to have been committed, e.g. every answered write. */
  readonly committed?: readonly WatchEvent[];
  /** `committed` is all that was ever committed: an event beyond it is a fault. */
  readonly exhaustive?: boolean;
}

/**
 * Checks what watches promise: ordered, unique, atomic, resumable, reliable, bookmarkable. What must have been
 * delivered is everything that was committed as far as it is known: what the caller says and what any stream saw.
 */
export function checkWatch(
  streams: readonly WatchStream[],
  options: WatchCheckOptions = {},
): readonly WatchFault[] {
  const faults: WatchFault[] = [];
  const known = new Map<string, WatchEvent>();
  for (const event of options.committed ?? []) known.set(identity(event), event);
  for (const stream of streams) {
    for (const item of stream.items) {
      if (item.kind === 'event') learn(stream, item, known, options.exhaustive === true, faults);
    }
  }
  const committed = [...known.values()].sort((a, b) => a.revision - b.revision);
  for (const stream of streams) {
    const delivered = walk(stream, faults);
    const end = Math.max(delivered.position, stream.completeTo ?? 0);
    for (const event of owed(committed, stream, end)) {
      if (delivered.events.has(identity(event))) continue;
      faults.push(fault(stream, 'reliable', event.revision, `${event.key} was not delivered`));
    }
  }
  return faults;
}

const identity = (event: WatchEvent): string => `${event.revision} ${event.key}`;

function fault(stream: WatchStream, kind: WatchFault['fault'], revision: number, detail: string): WatchFault {
  return { stream: stream.name, fault: kind, revision, detail };
}

function learn(
  stream: WatchStream,
  event: WatchEvent,
  known: Map<string, WatchEvent>,
  exhaustive: boolean,
  faults: WatchFault[],
): void {
  const other = known.get(identity(event));
  if (other === undefined) {
    if (exhaustive)
      faults.push(fault(stream, 'truthful', event.revision, `${event.key} was never committed`));
    known.set(identity(event), event);
  } else if (other.value !== event.value) {
    faults.push(fault(stream, 'truthful', event.revision, `${event.key} has another value elsewhere`));
  }
}

function owed(committed: readonly WatchEvent[], stream: WatchStream, end: number): readonly WatchEvent[] {
  return committed.filter(
    ({ revision, key }) => revision > stream.after && revision <= end && key.startsWith(stream.prefix),
  );
}

/** Follows one watcher through what it received; says what it got and up to where it was served. */
function walk(
  stream: WatchStream,
  faults: WatchFault[],
): { readonly events: ReadonlySet<string>; readonly position: number } {
  const everything = new Set<string>();
  const batches = new Map<number, number>();
  let sinceResume = new Set<string>();
  let asked = stream.after;
  let last = stream.after;
  let bookmark = stream.after;
  let position = stream.after;
  const report = (kind: WatchFault['fault'], revision: number, detail: string): void => {
    faults.push(fault(stream, kind, revision, detail));
  };
  for (const item of stream.items) {
    if (item.kind === 'resume') {
      asked = item.after;
      last = item.after;
      bookmark = item.after;
      sinceResume = new Set();
      batches.clear();
      continue;
    }
    position = Math.max(position, item.revision);
    if (item.kind === 'bookmark') {
      if (item.revision < last) report('bookmarkable', item.revision, `a bookmark behind ${last}`);
      bookmark = Math.max(bookmark, item.revision);
      last = Math.max(last, item.revision);
      continue;
    }
    const { revision, key, batch } = item;
    if (sinceResume.has(identity(item))) report('unique', revision, `${key} came twice`);
    else if (revision <= asked) report('resumable', revision, `${key} is not after ${asked}`);
    else if (revision <= bookmark)
      report('bookmarkable', revision, `${key} came after a bookmark at ${bookmark}`);
    else if (revision < last) report('ordered', revision, `${key} came after revision ${last}`);
    else if ((batches.get(revision) ?? batch) !== batch)
      report('atomic', revision, `${key} came in another answer`);
    batches.set(revision, batch);
    sinceResume.add(identity(item));
    everything.add(identity(item));
    last = Math.max(last, revision);
  }
  return { events: everything, position };
}
