import type { StoreEvent } from '#libs/consensus';
import { keyValueMessage, previousMessage } from '../kv/responses.js';
import type { EventMessage } from '../messages.js';

/** Beyond this a response is cut: at the next revision, or within one where the watcher takes fragments. */
export const batchBytes = 1_500_000;
/** What an event takes beside keys and values, roughly. */
const eventOverheadBytes = 64;

export interface BatchOptions {
  /** With the key-value before each change. */
  readonly previous: boolean;
  readonly fragment: boolean;
}

export interface EventBatch {
  readonly events: readonly EventMessage[];
  readonly sizeBytes: number;
  /** More of the same revision follows. */
  readonly fragment: boolean;
  readonly lastRevision: number;
}

/**
 * Cuts events, in revision order, into responses. All events of one revision are in one response, so that a client never
 * sees half a transaction; only where it takes fragments are they spread over several, marked as such.
 */
export function* batchesOf(events: readonly StoreEvent[], options: BatchOptions): Generator<EventBatch> {
  let batch: EventMessage[] = [];
  let sizeBytes = 0;
  let lastRevision = 0;
  for (const event of events) {
    const { modRevision } = event.keyValue;
    const isSame = modRevision === lastRevision;
    if (sizeBytes >= batchBytes && (!isSame || options.fragment)) {
      yield { events: batch, sizeBytes, fragment: isSame, lastRevision };
      batch = [];
      sizeBytes = 0;
    }
    batch.push(eventMessage(event, options.previous));
    sizeBytes += eventBytes(event, options.previous);
    lastRevision = modRevision;
  }
  if (batch.length > 0) yield { events: batch, sizeBytes, fragment: false, lastRevision };
}

function eventMessage({ type, keyValue, previous }: StoreEvent, withPrevious: boolean): EventMessage {
  return {
    type: type === 'put' ? 'PUT' : 'DELETE',
    kv: keyValueMessage(keyValue),
    ...(withPrevious ? previousMessage(previous) : {}),
  };
}

function eventBytes({ keyValue, previous }: StoreEvent, withPrevious: boolean): number {
  const own = keyValue.key.length + keyValue.value.length + eventOverheadBytes;
  return withPrevious && previous !== undefined ? own + previous.key.length + previous.value.length : own;
}
