import { EventEmitter } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Leadership } from '#libs/consensus';
import type { EtcdBackend } from './backend.js';
import { LeaderGuard } from './leader-guard.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Stream extends EventEmitter {
  readonly metadata = new Metadata();
  ended: string | undefined;
  constructor(wantsLeader: boolean) {
    super();
    if (wantsLeader) this.metadata.set('hasleader', 'true');
    this.on('error', (error: Error) => (this.ended = error.message));
  }
}

function guard(): { readonly guard: LeaderGuard; readonly lead: (leader: string | undefined) => void } {
  let tell: (leadership: Leadership) => void = () => undefined;
  const backend = {
    onLeadership(listener: (leadership: Leadership) => void) {
      tell = listener;
      return () => undefined;
    },
  } as unknown as EtcdBackend;
  const made = new LeaderGuard(backend);
  return { guard: made, lead: (leader) => tell({ isLeader: false, term: 1, leader }) };
}

describe('the leader guard', () => {
  it('ends the streams that ask for a leader when none comes, not the others, not at once', () => {
    const { guard: made, lead } = guard();
    const [wants, does] = [new Stream(true), new Stream(false)];
    made.watch(wants);
    made.watch(does);
    lead(undefined);
    vi.advanceTimersByTime(2_900);
    expect(wants.ended).toBeUndefined();
    vi.advanceTimersByTime(200);
    expect([wants.ended, does.ended]).toEqual(['etcdserver: no leader', undefined]);
  });

  it('lets a change of leaders pass, and forgets streams that are over', () => {
    const { guard: made, lead } = guard();
    const [stays, over] = [new Stream(true), new Stream(true)];
    made.watch(stays);
    made.watch(over)();
    lead(undefined);
    vi.advanceTimersByTime(1_000);
    lead('m2');
    vi.advanceTimersByTime(10_000);
    expect(stays.ended).toBeUndefined();
    made.close();
    expect([stays.ended, over.ended]).toEqual(['etcdserver: server stopped', undefined]);
  });
});
