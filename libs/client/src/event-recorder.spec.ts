import { describe, expect, it } from 'vitest';
import { ApiError } from '#libs/apimachinery';
import { createClient } from './client.js';
import { createFakeClock } from './clock.js';
import { createEventRecorder } from './event-recorder.js';
import type { CoreEvent } from './kinds/core.js';
import type { Transport } from './transport.js';

function setUp() {
  const clock = createFakeClock();
  const events = new Map<string, CoreEvent>();
  const state = { fail: undefined as ApiError | undefined, writes: 0 };
  const dropped: unknown[] = [];
  const transport: Transport = {
    request: async ({ method, path, body }) => {
      if (state.fail !== undefined) throw state.fail;
      state.writes++;
      if (method === 'POST') {
        const event = body as CoreEvent;
        events.set(event.metadata.name ?? '', event);
        return { status: 201, body: event };
      }
      const name = path.slice(path.lastIndexOf('/') + 1);
      const known = events.get(name);
      if (known === undefined) throw new ApiError(404, 'NotFound', 'expired');
      events.set(name, { ...known, ...(body as object) });
      return { status: 200, body: events.get(name) };
    },
    watch: () => Promise.reject(new Error('not served')),
  };
  const recorder = createEventRecorder({
    client: createClient(transport),
    component: 'spec',
    clock,
    onDrop: (error) => dropped.push(error),
  });
  const pod = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'ns', uid: `uid-${name}` },
  });
  return { clock, events, state, dropped, recorder, pod, list: () => [...events.values()] };
}

describe('event recorder', () => {
  it('writes an Event about the object, in its namespace', async () => {
    const { recorder, pod, list } = setUp();
    recorder.event(pod('a'), 'Normal', 'Created', 'made it');
    await recorder.flush();
    expect(list()).toMatchObject([
      {
        metadata: { namespace: 'ns', name: expect.stringMatching(/^a\.[0-9a-f]+$/) },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'a', namespace: 'ns', uid: 'uid-a' },
        type: 'Normal',
        reason: 'Created',
        message: 'made it',
        source: { component: 'spec' },
        count: 1,
      },
    ]);
  });

  it('counts what is repeated on one Event, and begins anew when that one has expired', async () => {
    const { recorder, pod, list, events, clock } = setUp();
    for (let time = 0; time < 3; time++) {
      recorder.event(pod('a'), 'Warning', 'Failed', 'again');
      clock.advance(1_000);
    }
    await recorder.flush();
    expect(list().map((event) => event.count)).toEqual([3]);
    events.clear();
    recorder.event(pod('a'), 'Warning', 'Failed', 'again');
    await recorder.flush();
    expect(list().map((event) => event.count)).toEqual([1]);
  });

  it('combines many messages of one reason, and cuts an object that causes too many', async () => {
    const { recorder, pod, list, state, clock } = setUp();
    for (let at = 0; at < 100; at++) recorder.event(pod('a'), 'Normal', 'Killing', `message ${at}`);
    await recorder.flush();
    expect(list()).toHaveLength(11);
    expect(list().at(-1)).toMatchObject({ message: '(combined from similar events): message 24', count: 15 });
    expect(state.writes).toBe(25);
    recorder.event(pod('b'), 'Normal', 'Killing', 'another object is not cut');
    await recorder.flush();
    expect(list()).toHaveLength(12);
    clock.advance(300_000);
    recorder.event(pod('a'), 'Normal', 'Started', 'one more in five minutes');
    recorder.event(pod('a'), 'Normal', 'Started', 'but not two');
    await recorder.flush();
    expect(list()).toHaveLength(13);
  });

  it('never fails its caller: what the server refuses or the queue cannot hold is dropped and told', async () => {
    const { recorder, pod, state, dropped } = setUp();
    state.fail = new ApiError(503, 'ServiceUnavailable', 'no quorum');
    for (let at = 0; at < 1_500; at++) recorder.event(pod(`p${at}`), 'Normal', 'Created', 'x');
    expect(dropped.length).toBeGreaterThanOrEqual(499);
    await recorder.flush();
    expect(dropped).toHaveLength(1_500);
  });
});
