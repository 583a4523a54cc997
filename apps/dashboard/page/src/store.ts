import type { Frame, ObjectsFrame } from '../../protocol.js';
import { follow } from './live.js';
import { Chronicle } from './model/chronicle.js';
import { History } from './model/history.js';

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live'; readonly servedBy: string }
  | { readonly state: 'lost'; readonly since: number; readonly why: string };

/** Everything that the page shows, and who is told when it changes. */
export class Store {
  readonly history = new History();
  readonly chronicle = new Chronicle();
  frame: Frame | undefined;
  objects: ObjectsFrame | undefined;
  connection: Connection = { state: 'connecting' };
  readonly #listeners = new Set<() => void>();

  start(signal: AbortSignal): void {
    void follow(
      {
        onFrame: (frame) => this.#take(frame),
        onLost: (why) => {
          const since = this.connection.state === 'lost' ? this.connection.since : Date.now();
          this.connection = { state: 'lost', since, why };
          this.#changed();
        },
      },
      signal,
    );
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #take(frame: Frame): void {
    this.frame = frame;
    this.objects = frame.objects ?? this.objects;
    this.history.append(frame);
    this.chronicle.append(frame);
    this.connection = { state: 'live', servedBy: frame.servedBy };
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
