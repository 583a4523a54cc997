import {
  credentials,
  loadPackageDefinition,
  type ChannelCredentials,
  type ClientDuplexStream,
} from '@grpc/grpc-js';
import { etcdPackageDefinition } from '#libs/consensus';
import type { Tls } from '../../http2/http2-client.js';
import { Refused } from '../recorder.js';

interface Header {
  readonly revision: number;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly mod_revision: number;
}

export interface WatchResponse {
  readonly header: Header;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compact_revision?: number;
  readonly events?: readonly { readonly type: 'PUT' | 'DELETE'; readonly kv: KeyValue }[];
}

export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

type Call = (
  request: object,
  options: { readonly deadline: number },
  done: (error: (Error & { readonly details?: string }) | null, response: never) => void,
) => void;
type Stub = Record<string, Call> & {
  Watch: () => ClientDuplexStream<object, WatchResponse>;
  close: () => void;
};
type StubClass = new (address: string, how: ChannelCredentials, options: object) => Stub;
type Services = Readonly<Record<'KV' | 'Watch' | 'Maintenance', StubClass>>;

let loading: Promise<Services> | undefined;

async function services(): Promise<Services> {
  loading ??= etcdPackageDefinition({ longs: Number }).then((definition) => {
    const root = loadPackageDefinition(definition) as unknown as { readonly etcdserverpb: Services };
    return root.etcdserverpb;
  });
  return loading;
}

/** The end of the keys that begin with `prefix`: its last byte, one higher. */
export function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]! += 1;
  return end;
}

/** One client's connection to one member, over mutual TLS. Every call ends by its deadline. */
export class EtcdConnection {
  readonly #stubs: Readonly<Record<'KV' | 'Watch' | 'Maintenance', Stub>>;
  readonly #timeoutMs: number;

  private constructor(stubs: Readonly<Record<'KV' | 'Watch' | 'Maintenance', Stub>>, timeoutMs: number) {
    this.#stubs = stubs;
    this.#timeoutMs = timeoutMs;
  }

  static async open(address: string, tls: Tls, timeoutMs: number): Promise<EtcdConnection> {
    const classes = await services();
    const how = credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.cert));
    const open = (service: keyof Services): Stub =>
      new classes[service](address, how, {
        'grpc.max_receive_message_length': -1,
        // A connection of its own, and no memory of when it last failed.
        'grpc.use_local_subchannel_pool': 1,
        // A name of the certificate that is no address: TLS sends names alone.
        'grpc.ssl_target_name_override': 'localhost',
      });
    return new EtcdConnection(
      { KV: open('KV'), Watch: open('Watch'), Maintenance: open('Maintenance') },
      timeoutMs,
    );
  }

  async put(key: string, value: string | Buffer): Promise<{ readonly revision: number }> {
    const request = { key: Buffer.from(key), value: Buffer.from(value) };
    const { header } = await this.#call<{ header: Header }>('KV', 'Put', request);
    return { revision: header.revision };
  }

  /** @param serializable from the member's own memory, which may be old */
  async get(
    key: string,
    serializable = false,
  ): Promise<{ value: string | undefined; revision?: number; storeRevision: number }> {
    const found = await this.#call<RangeResponse>('KV', 'Range', { key: Buffer.from(key), serializable });
    const storeRevision = found.header.revision;
    const [held] = found.kvs;
    if (held === undefined) return { value: undefined, storeRevision };
    return { value: held.value.toString(), revision: held.mod_revision, storeRevision };
  }

  async delete(key: string): Promise<{ existed: boolean; revision?: number }> {
    type Response = { readonly header: Header; readonly deleted: number };
    const { header, deleted } = await this.#call<Response>('KV', 'DeleteRange', { key: Buffer.from(key) });
    return deleted === 0 ? { existed: false } : { existed: true, revision: header.revision };
  }

  async compareAndPut(
    key: string,
    expectedRevision: number,
    value: string,
  ): Promise<{ applied: boolean; revision?: number }> {
    const bytes = Buffer.from(key);
    type Response = { readonly header: Header; readonly succeeded: boolean };
    const { header, succeeded } = await this.#call<Response>('KV', 'Txn', {
      compare: [{ result: 'EQUAL', target: 'MOD', key: bytes, mod_revision: expectedRevision }],
      success: [{ request_put: { key: bytes, value: Buffer.from(value) } }],
      failure: [],
    });
    return succeeded ? { applied: true, revision: header.revision } : { applied: false };
  }

  async range(prefix: string): Promise<RangeResponse> {
    return this.#call('KV', 'Range', { key: Buffer.from(prefix), range_end: prefixEnd(prefix) });
  }

  async deletePrefix(prefix: string): Promise<void> {
    await this.#call('KV', 'DeleteRange', { key: Buffer.from(prefix), range_end: prefixEnd(prefix) });
  }

  async compact(revision: number): Promise<void> {
    await this.#call('KV', 'Compact', { revision });
  }

  /** A hash of every key with its history up to a revision: equal on all members. */
  async hash(revision: number): Promise<number> {
    return (await this.#call<{ readonly hash: number }>('Maintenance', 'HashKV', { revision })).hash;
  }

  watch(): ClientDuplexStream<object, WatchResponse> {
    return this.#stubs.Watch.Watch();
  }

  close(): void {
    for (const stub of Object.values(this.#stubs)) stub.close();
  }

  async #call<T>(service: keyof Services, method: string, request: object): Promise<T> {
    const stub = this.#stubs[service];
    return new Promise((resolve, reject) => {
      stub[method]!.call(stub, request, { deadline: Date.now() + this.#timeoutMs }, (error, response) => {
        if (error === null) resolve(response);
        else reject(refusals.test(error.details ?? '') ? new Refused(error.message) : error);
      });
    });
  }
}

/** etcd's words for requests that it never took on. */
const refusals = /too many requests|database space exceeded|request is too large/;
