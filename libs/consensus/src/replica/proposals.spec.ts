import { afterEach, describe, expect, it } from 'vitest';
import { asRevision, createStore, decodeCommand } from '#libs/mvcc';
import { nodeClock } from '../environment/clock.js';
import type { StorageError } from '../storage.js';
import type { ProposeBatch } from '../thread/protocol.js';
import { proposeColumns } from '../thread/protocol.js';
import { until } from '../testing/cluster.js';
import { envelopeBytes, readEnvelope } from './envelope.js';
import { maxBatchBytes, Proposals } from './proposals.js';

const session = 77;
let nowMs = 0;
let sent: ProposeBatch[] = [];
let proposals: Proposals;

function create(overrides: { maxPending?: number } = {}): Proposals {
  nowMs = 0;
  sent = [];
  proposals = new Proposals({
    session,
    nextSession: () => session + 1,
    maxPending: 100,
    noLeaderPatienceMs: 3_000,
    clock: { ...nodeClock, now: () => nowMs },
    send: (batch) => sent.push(batch),
    ...overrides,
  });
  return proposals;
}
afterEach(() => proposals.stop());

/** Entries of a batch, as the log would carry them. */
function entriesOf({ table, data }: ProposeBatch): Buffer[] {
  const entries: Buffer[] = [];
  let at = 0;
  for (let row = 0; row < table.length; row += proposeColumns) {
    const length = table[row + 2] ?? 0;
    entries.push(Buffer.from(data, at, length));
    at += length;
  }
  return entries;
}

const put = (onlyInTerm?: number, valueBytes = 3) =>
  proposals.propose(
    {
      type: 'txn',
      compare: [],
      success: [{ type: 'put', key: '/a', value: new Uint8Array(valueBytes) }],
      failure: [],
      ...(onlyInTerm === undefined ? {} : { fence: onlyInTerm }),
    },
    { timeoutMs: 10_000, ...(onlyInTerm === undefined ? {} : { onlyInTerm }) },
  );
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: StorageError) => error.code,
  );

describe('a proposal', () => {
  it('that is sent again to a new leader is applied once, and its caller gets the first result', async () => {
    const queue = create();
    queue.leadershipChanged(true, 1);
    const answer = put();
    await until('it was sent', () => sent.length === 1);
    queue.leadershipChanged(true, 2);
    await until('it was sent again', () => sent.length === 2);
    const store = createStore();
    const results = sent.flatMap(entriesOf).map((entry, i) => {
      expect(readEnvelope(entry)).toEqual({ session, number: 1 });
      return store.apply(i + 1, i + 1, entry.subarray(envelopeBytes))?.result;
    });
    expect(store.get('/a')?.version).toBe(1);
    expect(results[1]?.repeated).toBe(true);
    for (const result of results) if (result !== undefined) queue.applied(1, result);
    expect((await answer).results).toHaveLength(1);
    expect(queue.size).toBe(0);
  });

  it('of a session that the state machine has forgotten goes again under a new one, if it cannot have been applied', async () => {
    const queue = create();
    queue.leadershipChanged(true, 1);
    const expired = {
      revision: asRevision(1),
      succeeded: false,
      refused: 'sessionExpired',
      results: [],
      repeated: false,
    } as const;
    const first = put();
    await until('it was sent', () => sent.length === 1);
    queue.applied(1, expired);
    await until('it was sent again', () => sent.length === 2);
    const [entry] = sent.slice(1).flatMap(entriesOf);
    expect(decodeCommand(entry?.subarray(envelopeBytes) ?? new Uint8Array()).id.session).toBe(session + 1);
    const store = createStore();
    const result = store.apply(1, 1, entry?.subarray(envelopeBytes) ?? new Uint8Array())?.result;
    if (result !== undefined) queue.applied(1, result);
    expect((await first).succeeded).toBe(true);
  });

  it('of a forgotten session that was handed over twice is not repeated: it may have been applied', async () => {
    const queue = create();
    queue.leadershipChanged(true, 1);
    const code = codeOf(put());
    await until('it was sent', () => sent.length === 1);
    queue.leadershipChanged(true, 2);
    await until('it was sent again', () => sent.length === 2);
    queue.applied(1, {
      revision: asRevision(1),
      succeeded: false,
      refused: 'sessionExpired',
      results: [],
      repeated: false,
    });
    expect(await code).toBe('Timeout');
  });

  it('waits for a leader, and fails with NoQuorum when none comes', async () => {
    const queue = create();
    const answer = codeOf(put());
    nowMs = 2_900;
    expect(queue.size).toBe(1);
    nowMs = 3_100;
    expect(await answer).toBe('NoQuorum');
    expect(await codeOf(put())).toBe('NoQuorum');
    queue.leadershipChanged(true, 1);
    void put().catch(() => undefined);
    await until('it is sent now', () => sent.length === 1);
  });

  it('that nobody answers ends in Timeout', async () => {
    const queue = create();
    queue.leadershipChanged(true, 1);
    const answer = codeOf(put());
    nowMs = 10_001;
    expect(await answer).toBe('Timeout');
  });

  it('refused by a server that no longer leads is sent again', async () => {
    const queue = create();
    queue.leadershipChanged(true, 1);
    const answer = codeOf(put());
    await until('it was sent', () => sent.length === 1);
    queue.refused([1], 'notLeader');
    await until('it was sent again', () => sent.length === 2);
    queue.stop();
    expect(await answer).toBe('Stopped');
  });

  it('fenced by a term is never sent again; entries of a later term settle that it was lost', async () => {
    const queue = create();
    queue.leadershipChanged(true, 4);
    const answer = codeOf(put(4));
    await until('it was sent', () => sent.length === 1);
    queue.leadershipChanged(true, 5);
    queue.termApplied(4);
    expect(queue.size).toBe(1);
    queue.termApplied(5);
    expect(await answer).toBe('Fenced');
    expect(sent).toHaveLength(1);
  });

  it('fenced by a term that a snapshot has passed ends in Timeout: the snapshot may hold it', async () => {
    const queue = create();
    queue.leadershipChanged(true, 4);
    const answer = codeOf(put(4));
    await until('it was sent', () => sent.length === 1);
    queue.installed(4);
    expect(queue.size).toBe(1);
    queue.installed(5);
    expect(await answer).toBe('Timeout');
  });

  it('leaves in batches of bounded size, in order, however much gathered without a leader', async () => {
    const queue = create();
    const sizes = [1, 1, 1, 3, 1, 3.9, 0.1, 0.1].map((mebibytes) => Math.floor(mebibytes * (1 << 20)));
    const answers = sizes.map((size) => codeOf(put(undefined, size)));
    queue.leadershipChanged(true, 1);
    await until('all were sent', () => sent.flatMap(entriesOf).length === sizes.length);
    for (const { data } of sent) expect(data.byteLength).toBeLessThanOrEqual(maxBatchBytes);
    expect(sent.flatMap(entriesOf).map((one) => readEnvelope(one).number)).toEqual(
      sizes.map((_, i) => i + 1),
    );
    expect(sent.map((batch) => entriesOf(batch).length)).toEqual([3, 1, 1, 1, 2]);
    queue.stop();
    await Promise.all(answers);
  });

  it('leaves once a turn, however often it is found to be unsent before the turn ends', async () => {
    const queue = create();
    const answer = codeOf(put());
    queue.leadershipChanged(true, 1);
    queue.leadershipChanged(true, 2);
    await until('it was sent', () => sent.length > 0);
    expect(sent.flatMap(entriesOf)).toHaveLength(1);
    queue.stop();
    await answer;
  });

  it('beyond the bound is refused at once', async () => {
    create({ maxPending: 1 }).leadershipChanged(true, 1);
    void put().catch(() => undefined);
    expect(await codeOf(put())).toBe('Overloaded');
  });
});
