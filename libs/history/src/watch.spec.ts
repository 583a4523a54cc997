import { describe, expect, it } from 'vitest';
import { checkWatch, type WatchEvent, type WatchItem, type WatchStream } from './index.js';

const event = (revision: number, key = `/a/${revision}`, batch = revision, value: string | undefined = 'v') =>
  ({ kind: 'event', revision, key, batch, value }) as const;
const stream = (items: readonly WatchItem[], rest: Partial<WatchStream> = {}): WatchStream => ({
  name: 's',
  prefix: '/a/',
  after: 0,
  items,
  ...rest,
});
const committed: WatchEvent[] = [1, 2, 3, 4].map((revision) => ({
  revision,
  key: `/a/${revision}`,
  value: 'v',
}));
const faults = (streams: WatchStream[], options = {}): string[] =>
  checkWatch(streams, options).map(({ fault, revision }) => `${fault} ${revision}`);

describe('a watch keeps its promises', () => {
  it('when it delivers everything once, in order, with truthful bookmarks', () => {
    const items = [event(1), event(2), { kind: 'bookmark', revision: 2 } as const, event(3), event(4)];
    expect(faults([stream(items)], { committed, exhaustive: true })).toEqual([]);
  });

  it('when it is resumed elsewhere from where it was', () => {
    const items = [event(1), event(2), { kind: 'resume', after: 1 } as const, event(2, '/a/2', 9), event(3)];
    expect(faults([stream(items)], { committed: committed.slice(0, 3) })).toEqual([]);
  });

  it('when what it does not watch is committed beside it', () => {
    const other = { revision: 2, key: '/b/2', value: 'v' };
    expect(faults([stream([event(1), event(3)])], { committed: [other] })).toEqual([]);
  });

  it('when it ends early: what came later is not owed', () => {
    expect(faults([stream([event(1), event(2)])], { committed })).toEqual([]);
  });
});

describe('a watch breaks the promise of being', () => {
  it('reliable: an event in the middle, or at the end that it was given time for, is missing', () => {
    expect(faults([stream([event(1), event(3)])], { committed })).toEqual(['reliable 2']);
    expect(faults([stream([event(1), event(2)], { completeTo: 3 })], { committed })).toEqual(['reliable 3']);
  });

  it('reliable: another watcher saw what it did not', () => {
    expect(faults([stream([event(1), event(2)]), stream([event(2)], { name: 't' })])).toEqual(['reliable 1']);
  });

  it('reliable: a bookmark promises what was not delivered', () => {
    expect(faults([stream([event(1), { kind: 'bookmark', revision: 3 }])], { committed })).toEqual([
      'reliable 2',
      'reliable 3',
    ]);
  });

  it('ordered', () => {
    expect(faults([stream([event(2), event(1)])])).toEqual(['ordered 1']);
  });

  it('unique', () => {
    expect(faults([stream([event(1), event(1)])])).toEqual(['unique 1']);
  });

  it('atomic: one revision came in two answers', () => {
    expect(faults([stream([event(1, '/a/x', 1), event(1, '/a/y', 1)])])).toEqual([]);
    expect(faults([stream([event(1, '/a/x', 1), event(1, '/a/y', 2)])])).toEqual(['atomic 1']);
  });

  it('bookmarkable: an event came after its bookmark, or the bookmark is behind', () => {
    expect(faults([stream([{ kind: 'bookmark', revision: 2 }, event(2)])])).toEqual(['bookmarkable 2']);
    expect(faults([stream([event(1), event(2), { kind: 'bookmark', revision: 1 }])])).toEqual([
      'bookmarkable 1',
    ]);
  });

  it('resumable: it gave again what it was asked to go on after', () => {
    const items = [event(1), { kind: 'resume', after: 1 } as const, event(1)];
    expect(faults([stream(items)])).toEqual(['resumable 1']);
  });

  it('truthful: an event that was never committed, or with another value elsewhere', () => {
    expect(faults([stream([event(5)])], { committed: [], exhaustive: true })).toEqual(['truthful 5']);
    expect(faults([stream([event(1)]), stream([event(1, '/a/1', 1, 'w')], { name: 't' })])).toEqual([
      'truthful 1',
    ]);
  });
});
