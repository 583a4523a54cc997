import { encodeCommand } from '#libs/mvcc';
import type { CommandId } from '#libs/mvcc';
import type { MemberAddress } from '../membership/member-directory.js';
import { StorageError } from '../storage.js';
import type { StorageErrorCode, TxnRequest } from '../storage.js';
import { ClientSession } from './client-session.js';
import { readAnswers, sessionExpired, writeRequests } from './client-codec.js';
import type { ClientAnswer, ClientRequest } from './client-codec.js';
import { encodeFrame, frameKind } from './frame.js';
import type { PeerTls } from './handshake.js';
import { PeerClient } from './peer-client.js';

export interface StorageClientOptions {
  readonly clusterId: string;
  /** Where it may ask; it keeps to one as long as that answers, and begins with the first. */
  readonly members: readonly MemberAddress[];
  /** The member whose certificate `tls` holds. */
  readonly self: MemberAddress;
  readonly tls: PeerTls;
  /** After it a request is given up; a write may still take effect. Default 10 000. */
  readonly timeoutMs?: number;
  /** Shared by the clients of a process: a group remembers 64 sessions. Default: one of its own. */
  readonly session?: ClientSession;
  readonly onWarning?: (message: string) => void;
}

interface Pending {
  request: ClientRequest;
  readonly txn: { readonly request: TxnRequest; id: CommandId } | undefined;
  /** More than one copy of it may be under way. */
  sends: number;
  readonly deadline: number;
  readonly resolve: (answer: ClientAnswer) => void;
  readonly reject: (error: Error) => void;
}

const defaultTimeoutMs = 10_000;
const lookEveryMs = 250;
/** So long a replica that was dialled may take to let a client in. */
const patienceMs = 1_000;
/** Requests that wait for an answer: all of them must fit into one frame, to be asked again. */
const maxPending = 10_000;
const maxPendingBytes = 32 << 20;

/**
 * A client of the peer port, in another process than the replicas: one connection of mutual TLS, transactions and linearizable
 * reads at any replica. What was not answered when its connection broke is asked again of another replica under the same
 * identity, so that it is applied once. It shows the certificate of a member: whoever has one could speak for that member
 * anyway, and nobody else gets in.
 */
export class StorageClient {
  readonly #options: StorageClientOptions;
  readonly #session: ClientSession;
  readonly #pending = new Map<number, Pending>();
  readonly #timer: NodeJS.Timeout;
  #pendingBytes = 0;
  #at = 0;
  #peer: PeerClient;
  #dialledAt = 0;
  #closed = false;
  #unsent: ClientRequest[] = [];

  constructor(options: StorageClientOptions) {
    this.#options = options;
    this.#session = options.session ?? new ClientSession();
    this.#peer = this.#dial();
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  /** Resolves once a majority holds the write and the replica asked has applied it. Rejects with StorageError. */
  async txn(request: TxnRequest): Promise<{ succeeded: boolean; revision: number }> {
    const answer = await this.#ask((number) => {
      const id = this.#session.idOf(number);
      return { request: encodeTxn(number, id, request), txn: { request, id } };
    });
    if (answer.type !== 'done') throw unexpected(answer);
    return { succeeded: answer.succeeded, revision: answer.revision };
  }

  /** Linearizable. The value is the caller's. Rejects with StorageError. */
  async get(key: string): Promise<{ readonly value: Uint8Array; readonly modRevision: number } | undefined> {
    const answer = await this.#ask((number) => ({ request: { number, type: 'get', key }, txn: undefined }));
    if (answer.type !== 'value') throw unexpected(answer);
    return answer.modRevision === 0 ? undefined : { value: answer.value, modRevision: answer.modRevision };
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#peer.close();
    for (const number of this.#pending.keys())
      this.#take(number)?.reject(new StorageError('Stopped', 'the client was closed'));
  }

  #ask(make: (number: number) => Pick<Pending, 'request' | 'txn'>): Promise<ClientAnswer> {
    if (this.#pending.size >= maxPending || this.#pendingBytes >= maxPendingBytes)
      return Promise.reject(
        new StorageError('Overloaded', 'too many requests wait for their answer already'),
      );
    const number = this.#session.begin();
    let made: ReturnType<typeof make>;
    try {
      made = make(number);
    } catch (error) {
      this.#session.end(number);
      throw error;
    }
    this.#pendingBytes += bytesOf(made.request);
    const deadline = performance.now() + (this.#options.timeoutMs ?? defaultTimeoutMs);
    return new Promise((resolve, reject) => {
      const pending: Pending = { ...made, sends: 0, deadline, resolve, reject };
      this.#pending.set(number, pending);
      this.#send([pending]);
    });
  }

  /** What asks in one turn travels together. Without a connection it waits in `#pending` for the next one. */
  #send(all: Iterable<Pending>): void {
    if (!this.#peer.connected) return;
    if (this.#unsent.length === 0) queueMicrotask(() => this.#flush());
    for (const pending of all) {
      pending.sends++;
      this.#unsent.push(pending.request);
    }
  }

  #flush(): void {
    const requests = this.#unsent;
    this.#unsent = [];
    if (requests.length === 0) return;
    this.#peer.sendFrame(encodeFrame(frameKind.clientRequests, (writer) => writeRequests(writer, requests)));
  }

  #dial(): PeerClient {
    const { members, self, clusterId, tls, onWarning } = this.#options;
    const peer = members[this.#at % members.length];
    if (peer === undefined) throw new RangeError('a client needs members to ask');
    const client: PeerClient = new PeerClient({
      clusterId,
      self,
      peer,
      tls,
      channel: 'client',
      maxQueuedBytes: 2 * maxPendingBytes,
      onConnect: () => {
        this.#unsent = [];
        this.#send(this.#pending.values());
      },
      onDisconnect: () => this.#next(client),
      onFrame: (kind, body) => {
        if (kind === frameKind.clientAnswers) for (const answer of readAnswers(body)) this.#answered(answer);
      },
      onSent: () => undefined,
      onRoundTrip: () => undefined,
      onWarning: (message) => onWarning?.(message),
      onRemoved: (reason) => onWarning?.(reason),
    });
    this.#dialledAt = performance.now();
    void client.connect();
    return client;
  }

  /** Asks the next replica from now on. */
  #next(from: PeerClient): void {
    if (from !== this.#peer || this.#closed) return;
    from.close();
    this.#at++;
    this.#peer = this.#dial();
  }

  #look(): void {
    const now = performance.now();
    for (const [number, { deadline }] of this.#pending) {
      if (now < deadline) continue;
      this.#giveUp(number);
    }
    if (!this.#peer.connected && now - this.#dialledAt > patienceMs) this.#next(this.#peer);
  }

  #answered(answer: ClientAnswer): void {
    // A replica that stops has not refused: the request goes to another one once its connection is gone.
    if (answer.type === 'error' && answer.code === 'Stopped') return;
    if (answer.type === 'error' && answer.code === sessionExpired) return this.#renew(answer.number);
    const pending = this.#take(answer.number);
    if (answer.type === 'error')
      pending?.reject(new StorageError(answer.code as StorageErrorCode, answer.message));
    else pending?.resolve(answer);
  }

  /** Sent once, it was certainly not applied, and goes again under a new session; of two copies one may have been. */
  #renew(number: number): void {
    const pending = this.#pending.get(number);
    if (pending?.txn === undefined) return;
    if (pending.sends > 1) return this.#giveUp(number);
    this.#session.renew(pending.txn.id);
    pending.txn.id = this.#session.idOf(number);
    pending.request = encodeTxn(number, pending.txn.id, pending.txn.request);
    pending.sends = 0;
    this.#send([pending]);
  }

  #giveUp(number: number): void {
    const why = 'no replica answered in time; a write may still take effect';
    this.#take(number)?.reject(new StorageError('Timeout', why));
  }

  #take(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    if (pending === undefined) return undefined;
    this.#pending.delete(number);
    this.#session.end(number);
    this.#pendingBytes -= bytesOf(pending.request);
    return pending;
  }
}

function encodeTxn(number: number, id: CommandId, request: TxnRequest): ClientRequest {
  const { compare, success, failure = [] } = request;
  return { number, type: 'txn', command: encodeCommand({ type: 'txn', id, compare, success, failure }) };
}

const bytesOf = (request: ClientRequest): number =>
  request.type === 'txn' ? request.command.length : request.key.length;

const unexpected = (answer: ClientAnswer): Error => new Error(`an answer of another kind: ${answer.type}`);
