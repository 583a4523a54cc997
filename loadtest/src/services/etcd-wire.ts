import { Http2Client, type Tls } from '../http2/http2-client.js';

const timeoutMs = 30_000;
const keyField = 0x0a;
const valueField = 0x12;
const prefixBytes = 5;

/** A field of bytes, as protobuf writes it: its tag, its length as a varint, itself. */
function bytesField(tag: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  return Buffer.concat([Buffer.of(tag, ...length), bytes]);
}

/** One gRPC message: not compressed, its length, itself. */
function message(...fields: readonly Buffer[]): Buffer {
  const size = fields.reduce((sum, { length }) => sum + length, 0);
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(size, 1);
  return Buffer.concat([prefix, ...fields]);
}

/**
 * One connection to an etcd or to a master's etcd service that costs as little as it can: gRPC over the load client's
 * HTTP/2, requests written by hand, of an answer only whether there is one. A load shares its machine with the servers:
 * a whole gRPC library would be most of what is measured.
 */
export class EtcdWire {
  readonly #client: Http2Client;

  constructor(url: string, tls: Tls) {
    this.#client = new Http2Client(url, tls);
  }

  /** Rejects when the server refused: then it sends trailers without a message. */
  async put(key: string, value: Buffer): Promise<void> {
    await this.#call('Put', message(bytesField(keyField, Buffer.from(key)), bytesField(valueField, value)));
  }

  /** A linearizable read of one key. */
  async get(key: string): Promise<void> {
    await this.#call('Range', message(bytesField(keyField, Buffer.from(key))));
  }

  close(): void {
    this.#client.close();
  }

  async #call(method: string, body: Buffer): Promise<void> {
    const answer = await this.#client.request('POST', `/etcdserverpb.KV/${method}`, body, {
      timeoutMs,
      contentType: 'application/grpc',
    });
    if (answer.status !== 200 || answer.body.length < prefixBytes) {
      throw new Error(`${method} was refused (HTTP status ${answer.status})`);
    }
  }
}
