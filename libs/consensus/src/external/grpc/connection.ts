import type { Client, ClientDuplexStream, Metadata, ServiceError } from '@grpc/grpc-js';
import { etcdPackageDefinition } from '../../etcd-wire/package-definition.js';
import { EtcdError } from './etcd-error.js';
import type { MethodName, Methods, StreamName, Streams } from './messages.js';
import { RequestCounts } from './request-counts.js';

export interface EtcdTls {
  /** PEM. Absent: the system's authorities. */
  readonly ca?: string;
  /** PEM, for etcd that asks its clients for one; both or none. */
  readonly certificate?: string;
  readonly privateKey?: string;
}

export interface EtcdUser {
  readonly name: string;
  readonly password: string;
}

export interface ConnectionOptions {
  /** `host:port` of the members; one is used until it fails. */
  readonly endpoints: readonly string[];
  /** Undefined: without TLS. */
  readonly tls: EtcdTls | undefined;
  readonly user: EtcdUser | undefined;
}

type Grpc = typeof import('@grpc/grpc-js');

interface Method {
  readonly path: string;
  readonly requestSerialize: (message: unknown) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => never;
}

/** A revision may be as large as etcd's largest request, and a page of a load many such values. */
const maxReceivedBytes = 64 << 20;

const channelOptions = {
  'grpc.max_receive_message_length': maxReceivedBytes,
  // etcd refuses pings closer than 5 s. They find a member whose machine is gone; a dead process is seen at once.
  'grpc.keepalive_time_ms': 6_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
};

/** Calls of one etcd cluster: one endpoint at a time, another one once that fails, an auth token where etcd wants one. */
export class EtcdConnection {
  readonly requests = new RequestCounts();
  /** Called when calls go to another endpoint from now on, or to none: streams of the old one should end. */
  onMoved: () => void = () => undefined;
  readonly #grpc: Grpc;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #options: ConnectionOptions;
  #index = 0;
  #client: Client | undefined;
  #token: Promise<string> | undefined;
  #cut = false;

  private constructor(grpc: Grpc, methods: ReadonlyMap<string, Method>, options: ConnectionOptions) {
    this.#grpc = grpc;
    this.#methods = methods;
    this.#options = options;
  }

  /** Loads what speaks gRPC; connects with the first call. Throws Error for a certificate that is unusable. */
  static async create(options: ConnectionOptions): Promise<EtcdConnection> {
    // Only here: a master with an embedded log need not load gRPC.
    const grpc = await import('@grpc/grpc-js');
    const definition = await etcdPackageDefinition({ longs: Number });
    const methods = new Map<string, Method>();
    for (const service of ['KV', 'Lease', 'Watch', 'Maintenance', 'Auth']) {
      const found = definition[`etcdserverpb.${service}`] as unknown as Record<string, Method>;
      for (const [name, method] of Object.entries(found)) methods.set(`${service}/${name}`, method);
    }
    const connection = new EtcdConnection(grpc, methods, options);
    connection.#open();
    return connection;
  }

  get endpoint(): string {
    return this.#options.endpoints[this.#index]!;
  }

  get endpointCount(): number {
    return this.#options.endpoints.length;
  }

  /** One call, answered within `timeoutMs`. Rejects with EtcdError; never repeats what etcd may have done. */
  async call<Name extends MethodName>(
    name: Name,
    request: Methods[Name][0],
    timeoutMs: number,
  ): Promise<Methods[Name][1]> {
    const deadline = Date.now() + timeoutMs;
    try {
      return await this.#once(name, request, deadline);
    } catch (error) {
      if (!(error instanceof EtcdError && error.isStaleToken)) throw error;
      // Tokens end with the member that gave them, or by their age; etcd looks at them before anything else.
      this.#token = undefined;
      return this.#once(name, request, deadline);
    }
  }

  async #once<Name extends MethodName>(
    name: Name,
    request: Methods[Name][0],
    deadline: number,
  ): Promise<Methods[Name][1]> {
    const metadata = await this.#metadata(deadline);
    return this.#unary(name, request, metadata, deadline);
  }

  #unary<Name extends MethodName>(
    name: Name,
    request: Methods[Name][0],
    metadata: Metadata,
    deadline: number,
  ): Promise<Methods[Name][1]> {
    const { path, requestSerialize, responseDeserialize } = this.#methods.get(name)!;
    const { endpoint } = this;
    const done = this.requests.begin(name);
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, response?: Methods[Name][1]): void => {
        done(error === null);
        if (error === null) resolve(response!);
        else reject(this.#failed(error, endpoint));
      };
      if (this.#client === undefined) return answered(this.#cutOff());
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize as (bytes: Buffer) => Methods[Name][1],
        request,
        metadata,
        { deadline },
        answered,
      );
    });
  }

  /** A stream to the endpoint of now. Its end and its errors are the caller's; `failed` makes an EtcdError of one. */
  async stream<Name extends StreamName>(
    name: Name,
  ): Promise<ClientDuplexStream<Streams[Name][0], Streams[Name][1]>> {
    const metadata = await this.#metadata(Date.now() + 5_000);
    const { path, requestSerialize, responseDeserialize } = this.#methods.get(name)!;
    if (this.#client === undefined) throw this.#failed(this.#cutOff(), this.endpoint);
    const stream = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize as (bytes: Buffer) => Streams[Name][1],
      metadata,
      {},
    );
    // One that is not needed after all is canceled before its caller listens, and reports that as an error.
    stream.on('error', () => undefined);
    return stream;
  }

  /** What a stream ended with. A token that is refused is forgotten. */
  streamFailed(error: Error, endpoint: string): EtcdError {
    const failure = this.#failed(error as ServiceError, endpoint);
    if (failure.isStaleToken) this.#token = undefined;
    return failure;
  }

  #failed({ code, details, message }: Pick<ServiceError, 'code' | 'details' | 'message'>, endpoint: string) {
    return new EtcdError(code, details || message, endpoint);
  }

  #cutOff(): ServiceError {
    const details = 'this master is cut off from etcd by fault injection';
    const { UNAVAILABLE: code } = this.#grpc.status;
    return Object.assign(new Error(details), { code, details, metadata: new this.#grpc.Metadata() });
  }

  async #metadata(deadline: number): Promise<Metadata> {
    const metadata = new this.#grpc.Metadata();
    // A member without a leader then says so at once instead of letting streams and calls hang.
    metadata.set('hasleader', 'true');
    const { user } = this.#options;
    if (user === undefined) return metadata;
    this.#token ??= this.#authenticate(user, deadline);
    const token = await this.#token;
    if (token !== '') metadata.set('token', token);
    return metadata;
  }

  async #authenticate({ name, password }: EtcdUser, deadline: number): Promise<string> {
    try {
      const request = { name, password };
      return (await this.#unary('Auth/Authenticate', request, new this.#grpc.Metadata(), deadline)).token;
    } catch (error) {
      // etcd may not have authentication switched on, or not yet: then nobody is asked for a token.
      if (error instanceof EtcdError && error.details.includes('authentication is not enabled')) return '';
      this.#token = undefined;
      throw error;
    }
  }

  /** Goes on with the next endpoint, unless another call has moved on from `endpoint` already. */
  moveOn(endpoint: string): void {
    if (endpoint !== this.endpoint || this.#cut) return;
    this.#index = (this.#index + 1) % this.#options.endpoints.length;
    this.#reopen();
  }

  /** Fault injection: no call leaves and none is answered until healed. */
  cut(off: boolean): void {
    if (off === this.#cut) return;
    this.#cut = off;
    this.#reopen();
  }

  #reopen(): void {
    const old = this.#client;
    this.#client = undefined;
    if (!this.#cut) this.#open();
    this.onMoved();
    old?.close();
    // Closing waits for calls under way; those of a cut have to fail.
    if (this.#cut) old?.getChannel().close();
  }

  #open(): void {
    this.#client = new this.#grpc.Client(this.endpoint, this.#credentials(), channelOptions);
  }

  #credentials() {
    const { credentials } = this.#grpc;
    const { tls } = this.#options;
    if (tls === undefined) return credentials.createInsecure();
    const bytes = (pem: string | undefined): Buffer | null => (pem === undefined ? null : Buffer.from(pem));
    return credentials.createSsl(bytes(tls.ca), bytes(tls.privateKey), bytes(tls.certificate));
  }

  close(): void {
    this.onMoved = () => undefined;
    this.#client?.close();
    this.#client = undefined;
    this.#cut = true;
  }
}
