import { decodeCommand } from '#libs/mvcc';
import type { CommandResult, KeyValue } from '#libs/mvcc';
import { ByteWriter } from '../bytes.js';
import type { Clock } from '../environment/clock.js';
import { StorageError } from '../storage.js';
import { readRequests, sessionExpired, writeAnswers } from '../transport/client-codec.js';
import type { ClientAnswer, ClientRequest } from '../transport/client-codec.js';
import type { ClientBody } from '../thread/protocol.js';
import type { TxnCommand } from './proposals.js';

export interface ClientPortOptions {
  readonly clock: Clock;
  /** Proposes a command under the identity that it carries; `bytes` is its encoding. */
  readonly propose: (command: TxnCommand, bytes: Uint8Array) => Promise<CommandResult>;
  readonly barrier: () => Promise<void>;
  readonly get: (key: string) => KeyValue | undefined;
  /** Sends each body of answers over its connection. */
  readonly answer: (answers: readonly ClientBody[]) => void;
}

/** What clients of the peer port ask of this replica (transport/storage-client.ts is their side). Answers of one turn travel together. */
export class ClientPort {
  readonly #options: ClientPortOptions;
  #answers = new Map<number, ClientAnswer[]>();

  constructor(options: ClientPortOptions) {
    this.#options = options;
  }

  /** Bodies as `readRequests` takes them, already found well-formed. */
  take(requests: readonly ClientBody[]): void {
    for (const { connection, body } of requests) this.#take(connection, body);
  }

  #take(connection: number, body: Uint8Array): void {
    for (const request of readRequests(Buffer.from(body.buffer, body.byteOffset, body.length))) {
      const { number } = request;
      this.#do(request).then(
        (answer) => this.#answer(connection, answer),
        (error: Error & { code?: string }) =>
          this.#answer(connection, {
            number,
            type: 'error',
            code: error instanceof StorageError ? error.code : 'BadRequest',
            message: error.message,
          }),
      );
    }
  }

  async #do(request: ClientRequest): Promise<ClientAnswer> {
    const { number } = request;
    if (request.type === 'get') {
      await this.#options.barrier();
      const found = this.#options.get(request.key);
      return {
        number,
        type: 'value',
        modRevision: found?.modRevision ?? 0,
        value: found?.value ?? new Uint8Array(),
      };
    }
    // What cannot be decoded must never get into the log: no replica could apply it.
    const command = decodeCommand(request.command);
    if (command.type !== 'txn') throw new StorageError('BadRequest', 'clients write by transactions');
    const result = await this.#options.propose(command, request.command);
    if (result.refused === 'sessionExpired')
      return { number, type: 'error', code: sessionExpired, message: 'the session was forgotten' };
    if (result.refused !== undefined)
      throw new StorageError('BadRequest', `the write was refused: ${result.refused}`);
    return { number, type: 'done', succeeded: result.succeeded, revision: result.revision };
  }

  #answer(connection: number, answer: ClientAnswer): void {
    const waiting = this.#answers.get(connection);
    if (waiting !== undefined) {
      waiting.push(answer);
      return;
    }
    this.#answers.set(connection, [answer]);
    if (this.#answers.size === 1) this.#options.clock.soon(() => this.#flush());
  }

  #flush(): void {
    const all = this.#answers;
    this.#answers = new Map();
    this.#options.answer(
      [...all].map(([connection, answers]) => {
        const writer = new ByteWriter(256);
        writeAnswers(writer, answers);
        // A copy of its own length: the writer's buffer would cross with all of its pool.
        return { connection, body: new Uint8Array(writer.bytes()) };
      }),
    );
  }
}
