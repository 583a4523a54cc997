import { StorageError } from '#libs/consensus';
import type { Replica, Watcher } from '#libs/consensus';
import type { WatchItem, WatchStream } from '#libs/history';
import { text } from './reference.js';
import { Stream } from './random.js';
import type { Server } from './server.js';
import { describeError } from './simulator.js';
import type { Simulator } from './simulator.js';

interface Stored {
  readonly name: string;
  readonly prefix: string;
  readonly after: number;
  readonly items: WatchItem[];
  completeTo?: number;
}

/** One client that watches a prefix, and goes on elsewhere when its server is lost. */
interface Watching {
  readonly name: string;
  server: Server | undefined;
  watcher: Watcher | undefined;
  stream: Stored | undefined;
  position: number;
  batch: number;
}

/** Watchers that resume on whatever server they find, and what each of them was told. */
export class Watchers {
  readonly streams: Stored[] = [];
  private readonly random: Stream;
  private readonly watching: Watching[] = [];

  constructor(
    private readonly simulator: Simulator,
    private readonly servers: readonly Server[],
    seed: number,
    count: number,
  ) {
    this.random = new Stream(seed, 'watchers');
    for (let i = 0; i < count; i += 1) {
      const one = {
        name: `w${i}`,
        server: undefined,
        watcher: undefined,
        stream: undefined,
        position: 0,
        batch: 0,
      };
      this.watching.push(one);
      this.seek(one);
    }
  }

  private seek(one: Watching): void {
    this.simulator.after(this.random.around(15), 'client', undefined, () => {
      const server = this.random.pick(this.servers);
      if (server.replica === undefined) return this.seek(one);
      one.server = server;
      this.simulator.after(0, 'client', server.main, () => this.begin(one, server));
    });
  }

  private begin(one: Watching, server: Server): void {
    const { replica } = server;
    if (replica === undefined || one.server !== server) return;
    const from = one.stream === undefined ? this.first(replica) : one.position;
    // A server that is behind has nothing to tell yet of what comes after a revision that it has not reached.
    if (one.stream === undefined) this.anew(one, from);
    else one.stream.items.push({ kind: 'resume', after: from });
    const prefix = one.stream?.prefix ?? '';
    const stream = one.stream;
    try {
      one.watcher = replica.watch(
        {
          start: prefix,
          end: `${prefix}~`,
          fromRevision: (from + 1) as never,
          onLost: () => this.lose(one, true),
        },
        (events, revision) => {
          if (one.server !== server || stream === undefined || one.stream !== stream) return;
          one.batch += 1;
          for (const { type, keyValue } of events) {
            const value = type === 'delete' ? undefined : text(keyValue.value);
            const { key, modRevision } = keyValue;
            stream.items.push({ kind: 'event', batch: one.batch, revision: modRevision, key, value });
          }
          stream.items.push({ kind: 'bookmark', revision });
          one.position = Math.max(one.position, revision);
        },
      );
    } catch (error) {
      if (error instanceof StorageError) return this.lose(one, error.code === 'Compacted');
      this.simulator.fail(`a watch from ${from} was not taken: ${describeError(error)}`);
    }
  }

  /** Where a new stream begins: now, or with the oldest that can still be told. */
  private first({ revision, compactRevision }: Replica): number {
    return this.random.chance(0.3) ? Math.max(0, compactRevision - 1) : revision;
  }

  private anew(one: Watching, after: number): void {
    const prefix = this.random.pick(['k/', 'k/0', 'fence/', 'lease/', '']);
    one.stream = { name: `${one.name}.${this.streams.length}`, prefix, after, items: [] };
    one.position = after;
    this.streams.push(one.stream);
  }

  /** `compacted`: what it would miss cannot be told any more; it reads anew and begins from there. */
  private lose(one: Watching, compacted: boolean): void {
    one.watcher = undefined;
    one.server = undefined;
    if (compacted) one.stream = undefined;
    this.seek(one);
  }

  lost(server: Server): void {
    for (const one of this.watching) if (one.server === server) this.lose(one, false);
  }

  /** All that is committed has had time to arrive with whoever watches one of these servers. */
  settle(revision: number, current: readonly Server[]): void {
    for (const { stream, watcher, server } of this.watching) {
      if (stream === undefined || watcher === undefined || server === undefined) continue;
      if (current.includes(server)) stream.completeTo = revision;
    }
  }

  results(): readonly WatchStream[] {
    return this.streams;
  }
}
