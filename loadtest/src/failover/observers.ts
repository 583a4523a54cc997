import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt, Operation, WatchItem, WatchStream } from '#libs/history';
import type { Connection } from '../services/connection.js';
import type { LabTarget } from './lab-target.js';
import { Pulse, type Timeline } from './pulse.js';

/** What all observers of one target saw. */
export class Observations {
  readonly pulses: Readonly<Record<'writers' | 'readers' | 'controllers', Pulse>> = {
    writers: new Pulse(),
    readers: new Pulse(),
    controllers: new Pulse(),
  };
  /** One a watcher: each follows one server at a time, and loses it with it. */
  readonly watchers: Pulse[] = [];
  readonly operations: Operation[] = [];
  readonly attempts: Attempt[] = [];
  readonly streams: WatchStream[] = [];
  /** Faults of a watch itself: it was told that its place in the history is gone, say. */
  readonly unexpected: string[] = [];

  constructor(readonly timeline: Timeline) {}
}

export interface ObserverOptions {
  readonly target: LabTarget;
  readonly seen: Observations;
  readonly signal: AbortSignal;
}

const restAfterFailureMs = 5;
const registers = 4;
/** A history is checked as a whole: registers are read and written at a pace that keeps it small. */
const registerRestMs = 10;

/** Waits, or less where the observers are told to end. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  // An aborted wait is a wait that ended.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Works on one server after the other: a failure costs the connection and moves on. */
async function roam(
  { target, signal }: ObserverOptions,
  start: number,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  for (let server = start; !signal.aborted; server++) {
    const connection = await target.connect(server % target.servers);
    try {
      while (!signal.aborted) await work(connection);
    } catch {
      // What failed is recorded by the work itself; here it means: elsewhere.
      await rest(restAfterFailureMs, signal);
    } finally {
      connection.close();
    }
  }
}

/** Writes keys that count up, each once, as fast as they are acknowledged. */
export async function write(options: ObserverOptions, writer: number): Promise<void> {
  const { target, seen } = options;
  const name = `w${writer}`;
  let sequence = 0;
  await roam(options, writer, async (connection) => {
    const n = sequence++;
    const sentAt = performance.now();
    try {
      await connection.create(`${target.prefix}${name}-${n}`, String(n));
    } catch (error) {
      seen.attempts.push({ writer: name, sequence: n, outcome: 'unknown' });
      seen.timeline.failed();
      throw error;
    }
    const now = performance.now();
    seen.attempts.push({ writer: name, sequence: n, outcome: 'ok' });
    seen.timeline.answered(now - sentAt);
    // A write that was sent before the fault and answered after it says nothing of who can write now.
    seen.pulses.writers.beat(now);
  });
}

/** Registers that are written and read by all; their whole history is checked. */
export async function makeRegisters({ target, seen }: ObserverOptions): Promise<void> {
  const connection = await target.connect(0);
  try {
    for (let i = 0; i < registers; i++) {
      const draft = { client: 'setup', key: registerKey(target, i), kind: 'put' as const, value: 'initial' };
      const invokedAt = performance.now();
      const { revision } = await connection.create(draft.key, draft.value);
      const returnedAt = performance.now();
      seen.operations.push({ ...draft, invokedAt, returnedAt, outcome: 'ok', result: { revision } });
    }
  } finally {
    connection.close();
  }
}

const registerKey = ({ prefix }: LabTarget, i: number): string => `${prefix}r-${i % registers}`;

/** Writes registers: every value is unique. */
export async function updateRegisters(options: ObserverOptions, client: number): Promise<void> {
  const { target, seen, signal } = options;
  let n = 0;
  await roam(options, client, async (connection) => {
    const value = `c${client}-${n}`;
    const draft = { client: `u${client}`, key: registerKey(target, n++), kind: 'put' as const, value };
    const invokedAt = performance.now();
    try {
      const { revision } = await connection.put(draft.key, value);
      const returnedAt = performance.now();
      seen.operations.push({ ...draft, invokedAt, returnedAt, outcome: 'ok', result: { revision } });
    } catch (error) {
      seen.operations.push({ ...draft, invokedAt, returnedAt: undefined, outcome: 'unknown' });
      throw error;
    }
    await rest(registerRestMs, signal);
  });
}

/** Reads registers linearizably. */
export async function readRegisters(options: ObserverOptions, client: number): Promise<void> {
  const { target, seen, signal } = options;
  let n = client;
  await roam(options, client, async (connection) => {
    const draft = { client: `r${client}`, key: registerKey(target, n++), kind: 'get' as const };
    const invokedAt = performance.now();
    const result = await connection.get(draft.key);
    const returnedAt = performance.now();
    seen.operations.push({ ...draft, invokedAt, returnedAt, outcome: 'ok', result });
    seen.pulses.readers.beat(returnedAt);
    await rest(registerRestMs, signal);
  });
}

/** A watch that heard nothing for this long is taken for dead: a paused server says nothing at all. */
const silenceMs = 1_500;

/** Follows everything over as many connections as it takes, and keeps what it was given. */
export class Watcher {
  readonly #options: ObserverOptions;
  readonly #name: string;
  readonly #after: number;
  readonly #items: WatchItem[] = [];
  readonly #pulse = new Pulse();
  #position: number;
  #batch = 0;

  constructor(options: ObserverOptions, name: string, after: number) {
    this.#options = options;
    this.#name = name;
    this.#after = after;
    this.#position = after;
    options.seen.watchers.push(this.#pulse);
  }

  /** The revision that it has seen everything up to. */
  get position(): number {
    return this.#position;
  }

  async run(start: number): Promise<void> {
    const { target, seen, signal } = this.#options;
    for (let server = start; !signal.aborted; server++) {
      if (server > start) this.#items.push({ kind: 'resume', after: this.#position });
      const connection = await target.connect(server % target.servers);
      const silence = new AbortController();
      let timer = setTimeout(() => silence.abort(), silenceMs);
      const ends = AbortSignal.any([signal, silence.signal]);
      let lastBatch = -1;
      try {
        await connection.watch(
          target.prefix,
          this.#position,
          ({ batch, ...event }) => {
            clearTimeout(timer);
            timer = setTimeout(() => silence.abort(), silenceMs);
            if (batch !== lastBatch) this.#batch++;
            lastBatch = batch;
            this.#position = event.revision;
            this.#items.push({ kind: 'event', ...event, batch: this.#batch });
            this.#pulse.beat();
          },
          ends,
        );
      } catch (error) {
        const { message } = error as Error;
        if (/410|compacted|too old/i.test(message)) seen.unexpected.push(`${this.#name}: ${message}`);
      } finally {
        clearTimeout(timer);
        connection.close();
      }
      await rest(restAfterFailureMs, signal);
    }
    seen.streams.push({
      name: this.#name,
      prefix: target.prefix,
      after: this.#after,
      items: this.#items,
    });
  }
}

/** Has the controllers act again and again. */
export async function controllers({ target, seen, signal }: ObserverOptions): Promise<void> {
  while (!signal.aborted && target.controllers !== undefined) {
    try {
      await target.controllers(signal);
      seen.pulses.controllers.beat();
    } catch {
      // Nobody leads, or the server that was asked has gone: the gap is what is measured.
      await rest(20, signal);
    }
  }
}
