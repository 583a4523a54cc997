import { createHash, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { KeyValue, MirrorChange } from '#libs/mvcc';
import { connectRedis, type RedisTls, withTimeout } from './connection.js';
import { decodeEntry, decodeRecord, revisionOf, type StreamEntry } from './record.js';
import type { RedisLocation } from './redis-url.js';
import { keysOf, type ScriptName, scripts } from './scripts.js';

export interface SessionOptions {
  readonly location: RedisLocation;
  readonly tls: RedisTls | undefined;
  readonly clusterId: string;
  readonly ttlMs: number;
  /** Changes that Redis keeps for those who were away. */
  readonly historyEntries: number;
}

/** What became of a write: `revision` is its own, or where the store stood when nothing was changed. */
export interface Change {
  readonly outcome: 'written' | 'conflict' | 'nothing';
  readonly revision: number;
}

const outcomes = ['conflict', 'written', 'nothing'] as const;

/** All objects as they were at one revision. */
export interface LoadedObjects {
  readonly revision: number;
  readonly keyValues: Iterable<KeyValue>;
}

/** Redis was started anew, or emptied, since this session began: what was seen of it may be gone. */
export class StaleEpochError extends Error {
  override readonly name = 'StaleEpochError';
  constructor() {
    super('Redis has been started anew or emptied');
  }
}

/** A command that takes longer than this has failed. */
export const commandTimeoutMs = 2_000;
/** How long Redis holds back an answer for want of changes. */
const blockMs = 1_000;
const entriesPerRead = 500;
const objectsPerScan = 500;
const oldestServer = 5;

const shas = Object.fromEntries(
  Object.entries(scripts).map(([name, text]) => [name, createHash('sha1').update(text).digest('hex')]),
) as Readonly<Record<ScriptName, string>>;

/**
 * A pair of connections to Redis, one for commands and one that waits for changes, from when they were opened until the first
 * of them fails. Rejections of its methods are those of Redis, and end the session unless Redis itself refused a command.
 */
export class RedisSession {
  readonly epoch: string;
  /** Where the store stood when the session began. */
  readonly revision: number;
  readonly #options: SessionOptions;
  readonly #commands: Redis;
  readonly #changes: Redis;
  readonly #keys: readonly string[];

  private constructor(options: SessionOptions, commands: Redis, changes: Redis, head: [string, string]) {
    this.#options = options;
    this.#commands = commands;
    this.#changes = changes;
    this.#keys = keysOf(options.clusterId);
    this.epoch = head[0];
    this.revision = Number(head[1]);
  }

  /** Throws Error that says what to do. */
  static async open(options: SessionOptions): Promise<RedisSession> {
    const { location, tls, clusterId } = options;
    const commands = await connectRedis(location, tls, commandTimeoutMs);
    let changes: Redis | undefined;
    try {
      changes = await connectRedis(location, tls, undefined);
      const run = serverRun(await commands.info('server'));
      for (const text of Object.values(scripts)) await commands.script('LOAD', text);
      const head = await commands.evalsha(shas.attach, 4, ...keysOf(clusterId), run, randomUUID());
      return new RedisSession(options, commands, changes, head as [string, string]);
    } catch (error) {
      commands.disconnect();
      changes?.disconnect();
      throw error;
    }
  }

  /** `expected` undefined: whatever is there. */
  put(key: string, value: Buffer, expected: number | undefined): Promise<Change> {
    const { ttlMs, historyEntries } = this.#options;
    return this.#change('put', key, expected ?? '', value, ttlMs, historyEntries);
  }

  delete(key: string, expected: number | undefined): Promise<Change> {
    return this.#change('delete', key, expected ?? '', this.#options.historyEntries);
  }

  /** Deletes what has expired, some of it at once; resolves to how many. */
  async expire(limit: number): Promise<number> {
    const [count] = await this.#run('expire', limit, this.#options.historyEntries);
    return count;
  }

  async #change(name: 'put' | 'delete', ...args: (string | number | Buffer)[]): Promise<Change> {
    const [outcome, revision] = await this.#run(name, ...args);
    return { outcome: outcomes[outcome] ?? 'conflict', revision };
  }

  async #run(name: ScriptName, ...args: (string | number | Buffer)[]): Promise<[number, number]> {
    const answer = await this.#commands.evalsha(shas[name], 4, ...this.#keys, this.epoch, ...args);
    const [first, revision] = answer as [number, number];
    if (first < 0) throw new StaleEpochError();
    return [first, revision];
  }

  /** The newest revision: whoever holds it has seen everything that was acknowledged before the call. */
  async head(): Promise<number> {
    const [epoch, revision] = await this.#commands.hmget(this.#keys[0]!, 'epoch', 'revision');
    if (epoch !== this.epoch) throw new StaleEpochError();
    return Number(revision);
  }

  /** Reads all objects, while others write, and what was written meanwhile: together they are the objects at one revision. */
  async load(): Promise<LoadedObjects> {
    const from = await this.head();
    const held = new Map<string, KeyValue>();
    let cursor = '0';
    do {
      const page = await this.#commands.hscanBuffer(this.#keys[1]!, cursor, 'COUNT', objectsPerScan);
      const [next, fields] = page as unknown as [Buffer, Buffer[]];
      cursor = next.toString('latin1');
      for (let at = 0; at + 1 < fields.length; at += 2) {
        const key = fields[at]!.toString('utf8');
        held.set(key, decodeRecord(key, fields[at + 1]!));
      }
    } while (cursor !== '0');
    const revision = await this.head();
    for (let at = from; at < revision;) {
      const entries = await this.#commands.xrangeBuffer(
        this.#keys[3]!,
        `${at + 1}-0`,
        `${revision}-0`,
        'COUNT',
        entriesPerRead,
      );
      const changes = consecutive(at, (entries as StreamEntry[]).map(decodeEntry));
      if (changes.length === 0) throw new Error('Redis no longer has the changes made while it was read');
      for (const change of changes)
        if (change.type === 'put') held.set(change.keyValue.key, change.keyValue);
        else held.delete(change.key);
      at += changes.length;
    }
    return { revision, keyValues: held.values() };
  }

  /** Waits for changes behind `revision`: all that there are, or none after a second. Throws Error where some are missing. */
  async changesSince(revision: number): Promise<readonly MirrorChange[]> {
    const read = this.#changes.callBuffer(
      'XREAD',
      'COUNT',
      entriesPerRead,
      'BLOCK',
      blockMs,
      'STREAMS',
      this.#keys[3]!,
      `${revision}-0`,
    );
    const answer = await withTimeout(read, blockMs + commandTimeoutMs, 'Redis does not answer');
    const entries = (answer as [Buffer, StreamEntry[]][] | null)?.[0]?.[1] ?? [];
    return consecutive(revision, entries.map(decodeEntry));
  }

  close(): void {
    this.#commands.disconnect();
    this.#changes.disconnect();
  }
}

/** Throws Error where a change between `revision` and the last one is missing. */
function consecutive(revision: number, changes: readonly MirrorChange[]): readonly MirrorChange[] {
  for (const [i, change] of changes.entries())
    if (revisionOf(change) !== revision + 1 + i)
      throw new GapError(
        `change ${revision + 1 + i} is no longer in Redis, ${revisionOf(change)} is the next`,
      );
  return changes;
}

/** Changes that a reader has still to see were dropped: it must read everything anew. */
export class GapError extends Error {
  override readonly name = 'GapError';
}

/** Throws Error for a Redis that is too old. */
function serverRun(info: string): string {
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? '';
  if (Number(version.split('.')[0]) < oldestServer)
    throw new Error(`Redis ${version} has no streams: ${oldestServer} or newer is wanted`);
  return /^run_id:(\S+)/m.exec(info)?.[1] ?? '';
}
