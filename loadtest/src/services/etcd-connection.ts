import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
} from '@grpc/grpc-js';
import { etcdPackageDefinition } from '#libs/consensus';
import type { Tls } from '../http2/http2-client.js';
import type { ChangeEvent, Connection } from './connection.js';

interface Header {
  readonly revision: number;
  readonly member_id: number;
}

interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly mod_revision: number;
}

interface WatchAnswer {
  readonly canceled?: boolean;
  readonly cancel_reason?: string;
  readonly events?: readonly { readonly type: 'PUT' | 'DELETE'; readonly kv: KeyValue }[];
}

type Call = (
  request: object,
  options: { readonly deadline: number },
  done: (error: Error | null, answer: never) => void,
) => void;
type Stub = Readonly<Record<string, Call>> & {
  readonly Watch: () => ClientDuplexStream<object, WatchAnswer>;
  readonly close: () => void;
};
type StubClass = new (address: string, how: ChannelCredentials, options: object) => Stub;
type Services = Readonly<Record<'KV' | 'Watch' | 'Maintenance', StubClass>>;

let loading: Promise<Services> | undefined;

async function services(): Promise<Services> {
  loading ??= etcdPackageDefinition({ longs: Number }).then(
    (definition) =>
      (loadPackageDefinition(definition) as unknown as { readonly etcdserverpb: Services }).etcdserverpb,
  );
  return loading;
}

/** The end of the keys that begin with `prefix`: its last byte, one higher. */
function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}

export interface EtcdStatus {
  readonly leader: number;
  readonly memberId: number;
  readonly term: number;
}

/** A connection of its own to one member of etcd, or to one master's etcd service, over mutual TLS. */
export class EtcdConnection implements Connection {
  readonly #stubs: Readonly<Record<keyof Services, Stub>>;
  readonly #timeoutMs: number;

  private constructor(stubs: Readonly<Record<keyof Services, Stub>>, timeoutMs: number) {
    this.#stubs = stubs;
    this.#timeoutMs = timeoutMs;
  }

  /** `url` as `https://127.0.0.1:2379`; without `tls` the connection is plain. */
  static async open(url: string, tls: Tls | undefined, timeoutMs: number): Promise<EtcdConnection> {
    const classes = await services();
    const how =
      tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.cert));
    const options = {
      'grpc.max_receive_message_length': -1,
      // Not shared with the other clients of this process, and with no memory of when it last failed.
      'grpc.use_local_subchannel_pool': 1,
      // TLS sends names alone, no addresses.
      'grpc.ssl_target_name_override': 'localhost',
    };
    const open = (service: keyof Services): Stub => new classes[service](new URL(url).host, how, options);
    return new EtcdConnection(
      { KV: open('KV'), Watch: open('Watch'), Maintenance: open('Maintenance') },
      timeoutMs,
    );
  }

  async create(key: string, value: string): Promise<{ readonly revision: number }> {
    return this.put(key, value);
  }

  async put(key: string, value: string | Buffer): Promise<{ readonly revision: number }> {
    const request = { key: Buffer.from(key), value: Buffer.from(value) };
    return (await this.#call<{ readonly header: Header }>('KV', 'Put', request)).header;
  }

  async get(key: string): Promise<{ readonly value: string | undefined; readonly revision?: number }> {
    const answer = await this.#call<{ readonly kvs: readonly KeyValue[] }>('KV', 'Range', {
      key: Buffer.from(key),
    });
    const [found] = answer.kvs;
    return found === undefined
      ? { value: undefined }
      : { value: found.value.toString(), revision: found.mod_revision };
  }

  async list(prefix: string): Promise<{ readonly revision: number; readonly keys: readonly string[] }> {
    const request = { key: Buffer.from(prefix), range_end: endOf(prefix), keys_only: true };
    type Answer = { readonly header: Header; readonly kvs: readonly KeyValue[] };
    const { header, kvs } = await this.#call<Answer>('KV', 'Range', request);
    return { revision: header.revision, keys: kvs.map(({ key }) => key.toString()) };
  }

  async watch(
    prefix: string,
    after: number,
    onEvent: (event: ChangeEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const stream = this.#stubs.Watch.Watch();
    const end = (): void => stream.cancel();
    signal.addEventListener('abort', end, { once: true });
    let batch = 0;
    try {
      await new Promise<void>((resolve, reject) => {
        stream.on('data', ({ canceled, cancel_reason, events }: WatchAnswer) => {
          if (canceled === true) return reject(new Error(`the watch was cancelled: ${cancel_reason ?? ''}`));
          for (const { type, kv } of events ?? []) {
            const value = type === 'DELETE' ? undefined : kv.value.toString();
            onEvent({ key: kv.key.toString(), value, revision: kv.mod_revision, batch });
          }
          batch++;
        });
        stream.on('error', reject);
        stream.on('end', resolve);
        stream.write({
          create_request: { key: Buffer.from(prefix), range_end: endOf(prefix), start_revision: after + 1 },
        });
      });
    } finally {
      signal.removeEventListener('abort', end);
      stream.cancel();
    }
  }

  async status(): Promise<EtcdStatus> {
    type Answer = { readonly header: Header; readonly leader: number; readonly raftTerm: number };
    const { header, leader, raftTerm: term } = await this.#call<Answer>('Maintenance', 'Status', {});
    return { leader, memberId: header.member_id, term };
  }

  close(): void {
    for (const stub of Object.values(this.#stubs)) stub.close();
  }

  async #call<T>(service: keyof Services, method: string, request: object): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#stubs[service][method]?.(
        request,
        { deadline: Date.now() + this.#timeoutMs },
        (error, answer: T) => (error === null ? resolve(answer) : reject(error)),
      );
    });
  }
}
