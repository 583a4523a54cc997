import { describe, expect, it } from 'vitest';
import type { EtcdSpace, StoreEvent, WatchListener, WatchRequest } from '#libs/consensus';
import { StorageError } from '#libs/consensus';
import { Serving } from '../backend.js';
import type { EtcdBackend } from '../backend.js';
import type { WatchCreateRequest, WatchRequestMessage, WatchResponse } from '../messages.js';
import { batchBytes, batchesOf } from './event-batches.js';
import { WatchStream, maxQueuedBytes } from './watch-stream.js';

/** A space whose events a test makes: revisions from 2 on, all in memory, as a replica's hub delivers them. */
class Space {
  revision = 1;
  compactRevision = 0;
  private readonly history: StoreEvent[] = [];
  readonly listeners = new Set<{ readonly request: WatchRequest; readonly listener: WatchListener }>();

  apply(
    ...changes: readonly { readonly key: string; readonly bytes?: number; readonly type?: 'delete' }[]
  ): void {
    this.revision++;
    const events = changes.map(({ key, bytes = 1, type }): StoreEvent => {
      const keyValue = {
        key,
        value: new Uint8Array(bytes),
        createRevision: this.revision,
        modRevision: this.revision,
        version: 1,
        lease: 0,
      } as StoreEvent['keyValue'];
      return {
        type: type ?? 'put',
        keyValue,
        previous: this.history.findLast((event) => event.keyValue.key === key)?.keyValue,
      };
    });
    this.history.push(...events);
    for (const { request, listener } of new Set(this.listeners)) {
      const due = events.filter((event) => holds(request, event));
      if (due.length > 0) listener(due, this.revision as never);
    }
  }

  watch(request: WatchRequest, listener: WatchListener): { close(): void } {
    const from: number = request.fromRevision ?? 0;
    if (from < this.compactRevision)
      throw new StorageError('Compacted', 'compacted', this.compactRevision as never);
    const entry = { request, listener };
    const replay = this.history.filter((event) => holds(request, event));
    this.listeners.add(entry);
    if (replay.length > 0)
      queueMicrotask(() => this.listeners.has(entry) && listener(replay, this.revision as never));
    return { close: () => void this.listeners.delete(entry) };
  }
}

function holds({ start, end = `${start}\0`, fromRevision }: WatchRequest, { keyValue }: StoreEvent): boolean {
  const inside = keyValue.key >= start && (end === '\0' || keyValue.key < end);
  return inside && keyValue.modRevision >= (fromRevision ?? 0);
}

function open(space = new Space()): {
  readonly space: Space;
  readonly stream: WatchStream;
  readonly responses: WatchResponse[];
  readonly drain: () => void;
  readonly isPaused: () => boolean;
} {
  const responses: WatchResponse[] = [];
  let waiting: (() => void)[] = [];
  let paused = false;
  const backend = {
    etcdSpace: space as unknown as EtcdSpace,
    leadership: { isLeader: true, term: 3, leader: 'm1' },
    status: () => ({ clusterId: 'c', memberId: 7 }),
  } as unknown as EtcdBackend;
  const stream = new WatchStream(new Serving(backend), {
    write: (response, sent) => {
      responses.push(response);
      waiting.push(sent);
    },
    pause: (now) => void (paused = now),
  });
  const drain = (): void => {
    const sent = waiting;
    waiting = [];
    for (const each of sent) each();
  };
  return { space, stream, responses, drain, isPaused: () => paused };
}

const create = (key: string, more: Partial<WatchCreateRequest> = {}): WatchRequestMessage => ({
  request_union: 'create_request',
  create_request: {
    key: Buffer.from(key),
    range_end: Buffer.alloc(0),
    start_revision: 0,
    progress_notify: false,
    filters: [],
    prev_kv: false,
    watch_id: 0,
    fragment: false,
    ...more,
  },
});
const seen = (responses: readonly WatchResponse[], id = 0): string[] =>
  responses
    .filter(({ watch_id }) => watch_id === id)
    .flatMap(({ events = [] }) =>
      events.map(({ kv }) => `${Buffer.from(kv.key).toString()}@${kv.mod_revision}`),
    );
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a watch stream', () => {
  it('begins at a revision of the past, goes on live, and filters', async () => {
    const { space, stream, responses } = open();
    space.apply({ key: 'a' });
    space.apply({ key: 'a', type: 'delete' });
    stream.handle(create('a', { start_revision: 2, prev_kv: true }));
    stream.handle(create('a', { start_revision: 2, filters: ['NOPUT'], watch_id: 9 }));
    await settled();
    space.apply({ key: 'a' });
    expect(responses[0]).toMatchObject({ watch_id: 0, created: true, header: { revision: 3, raft_term: 3 } });
    expect(seen(responses)).toEqual(['a@2', 'a@3', 'a@4']);
    expect(seen(responses, 9)).toEqual(['a@3']);
    const deletion = responses.flatMap(({ events = [] }) => events).find(({ type }) => type === 'DELETE');
    expect(deletion?.prev_kv?.mod_revision).toBe(2);
  });

  it('refuses what etcd refuses, and cancels', () => {
    const { stream, responses } = open();
    stream.handle(create('b', { range_end: Buffer.from('a') }));
    stream.handle(create('a', { watch_id: 5 }));
    stream.handle(create('a', { watch_id: 5 }));
    stream.handle({ request_union: 'cancel_request', cancel_request: { watch_id: 5 } });
    expect(responses).toMatchObject([
      { watch_id: -1, created: true, canceled: true, cancel_reason: 'mvcc: watcher range is empty' },
      { watch_id: 5, created: true },
      { watch_id: -1, canceled: true, cancel_reason: 'mvcc: duplicate watch ID provided on the WatchStream' },
      { watch_id: 5, canceled: true },
    ]);
  });

  it('says which revision is the first left when history is gone', () => {
    const { space, stream, responses } = open();
    space.compactRevision = 5;
    stream.handle(create('a', { start_revision: 2 }));
    expect(responses[1]).toMatchObject({ watch_id: 0, canceled: true, compact_revision: 5 });
  });

  it('queues little for a slow client, which then reads on without a gap', async () => {
    const { space, stream, responses, drain, isPaused } = open();
    stream.handle(create('k', { range_end: Buffer.from('l') }));
    const bytes = maxQueuedBytes / 4;
    for (let i = 0; i < 20; i++) space.apply({ key: `k${i}`, bytes });
    const queued = seen(responses).length;
    expect(queued).toBeLessThan(6);
    expect([space.listeners.size, isPaused()]).toEqual([0, true]);
    stream.handle({ request_union: 'progress_request' });
    for (let i = 0; i < 20; i++) {
      drain();
      await settled();
    }
    expect(seen(responses)).toEqual(Array.from({ length: 20 }, (_, i) => `k${i}@${i + 2}`));
    // Progress was asked for while it lagged: it is said once nothing is missing before it.
    expect(responses.at(-1)).toMatchObject({ watch_id: -1, header: { revision: 21 } });
    expect(isPaused()).toBe(false);
  });

  it('tells of progress behind what it replays, and to the idle that asked', async () => {
    const { space, stream, responses } = open();
    space.apply({ key: 'a' });
    stream.handle(create('a', { start_revision: 1, progress_notify: true }));
    stream.handle({ request_union: 'progress_request' });
    await settled();
    expect(responses.map(({ watch_id, events }) => [watch_id, events?.length])).toEqual([
      [0, undefined],
      [0, 1],
      [-1, undefined],
    ]);
    stream.notifyProgress();
    expect(responses).toHaveLength(3);
    space.apply({ key: 'other' });
    stream.notifyProgress();
    expect(responses[3]).toMatchObject({ watch_id: 0, events: [], header: { revision: 3 } });
  });
});

describe('a watcher that was further on another member', () => {
  it('is not told of progress before this member is there', async () => {
    const { space, stream, responses } = open();
    stream.handle(create('a', { start_revision: 4, progress_notify: true }));
    stream.handle({ request_union: 'progress_request' });
    await settled();
    stream.notifyProgress();
    expect(responses.map(({ watch_id, created }) => [watch_id, created])).toEqual([[0, true]]);
    space.apply({ key: 'other' });
    space.apply({ key: 'other' });
    stream.notifyProgress();
    expect(responses.slice(1)).toMatchObject([
      { watch_id: 0, events: [], header: { revision: 3 } },
      { watch_id: -1, header: { revision: 3 } },
    ]);
  });
});

describe('batches', () => {
  const event = (modRevision: number): StoreEvent => ({
    type: 'put',
    keyValue: {
      key: 'k',
      value: new Uint8Array(batchBytes),
      createRevision: 1,
      modRevision,
      version: 1,
      lease: 0,
    } as StoreEvent['keyValue'],
    previous: undefined,
  });

  it('never part a revision, but for those who take fragments', () => {
    const events = [event(2), event(3), event(3), event(4)];
    const cut = (fragment: boolean): unknown[] =>
      [...batchesOf(events, { previous: false, fragment })].map((b) => [
        b.events.length,
        b.fragment,
        b.lastRevision,
      ]);
    expect(cut(false)).toEqual([
      [1, false, 2],
      [2, false, 3],
      [1, false, 4],
    ]);
    expect(cut(true)).toEqual([
      [1, false, 2],
      [1, true, 3],
      [1, false, 3],
      [1, false, 4],
    ]);
  });
});
