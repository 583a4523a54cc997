import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeClock } from './environment/clock.js';
import { ReadBarrier, maxWaiters } from './replica/read-barrier.js';
import { TestCluster, until } from './testing/cluster.js';

/** Of the bounds that docs/bounds.md lists, those that no other test reaches. */

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.destroy();
  cluster = undefined;
});

describe('linearizable reads without an answer', () => {
  it('wait up to a bound; further ones are refused at once, and there is room again when some have gone', async () => {
    const contexts: number[] = [];
    let applied = 0;
    const barrier = new ReadBarrier({
      request: (context) => contexts.push(context),
      appliedIndex: () => applied,
      leaderlessMs: () => 0,
      noLeaderPatienceMs: 3_000,
      clock: nodeClock,
      firstContext: 1,
    });
    const waiting = Array.from({ length: maxWaiters }, () => barrier.wait(60_000));
    await expect(barrier.wait(60_000)).rejects.toMatchObject({ code: 'Overloaded' });
    await until('a round began', () => contexts.length === 1);
    await expect(barrier.wait(60_000), 'those of the round count').rejects.toMatchObject({
      code: 'Overloaded',
    });
    barrier.answered(contexts[0] as number, 5);
    await expect(barrier.wait(60_000), 'so do those that wait for the store').rejects.toMatchObject({
      code: 'Overloaded',
    });
    applied = 5;
    barrier.applied();
    await Promise.all(waiting);
    const one = barrier.wait(60_000);
    barrier.stop();
    await expect(one).rejects.toMatchObject({ code: 'Stopped' });
  });
});

describe('strangers on the peer port', () => {
  it('are let go beyond a bound, and peers get through once their time is up', async () => {
    cluster = await TestCluster.create(3);
    const [first, second] = cluster.members;
    await cluster.open('m1');
    await cluster.open('m2');
    await cluster.leader();
    const state = { closed: 0 };
    const strangers = Array.from({ length: 400 }, (): Socket => {
      const socket = connect(first!.port, first!.host);
      socket.on('error', () => undefined);
      // Only who reads sees the end.
      socket.resume();
      socket.on('close', () => (state.closed += 1));
      return socket;
    });
    await until('those beyond the bound are gone', () => state.closed >= 100);
    // They say nothing: the time for a handshake ends them all.
    await until('all are gone', () => state.closed === strangers.length, 30_000);
    await cluster.close('m2');
    await cluster.open(second!.name);
    await cluster.leader();
    const put = { type: 'put' as const, key: '/a', value: new Uint8Array(1) };
    await cluster.get('m2').txn({ compare: [], success: [put] });
    for (const socket of strangers) socket.destroy();
    expect(cluster.fatals).toEqual([]);
  }, 60_000);
});
