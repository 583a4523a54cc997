import { createScheme, type KubernetesObject, type Status } from '#libs/apimachinery';
import { createMemoryStorage, type MemoryStorage } from '#libs/consensus';
import { defaultAdmission } from '../admission/default-admission.js';
import type { Clock } from '../clock.js';
import type { ApiRequest, ApiResponse, StreamSink, UserInfo } from '../request.js';
import { createApiServer, type ApiServer, type ApiServerOptions } from '../server.js';

/** A clock that a spec moves. */
export class FakeClock implements Clock {
  #nowMs = Date.parse('2026-01-02T03:04:05Z');
  #timers: { atMs: number; callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { callback } of due) callback();
  }
}

export interface WatchEvent {
  readonly type: string;
  readonly object: KubernetesObject;
}

/** An API server over memory, asked as by a client on the wire unless `inProcess` says otherwise. */
export class TestServer {
  readonly storage: MemoryStorage;
  readonly clock = new FakeClock();
  readonly server: ApiServer;
  readonly faults: unknown[] = [];

  constructor(options: Partial<ApiServerOptions> = {}) {
    this.storage = createMemoryStorage();
    this.server = createApiServer({
      storage: this.storage,
      scheme: createScheme(),
      authorizer: { authorize: () => ({ decision: 'allow', reason: '' }) },
      admission: defaultAdmission(),
      clock: this.clock,
      onFault: (error) => this.faults.push(error),
      ...options,
    });
  }

  async close(): Promise<void> {
    this.server.close();
    await this.storage.close();
  }

  request(
    method: string,
    url: string,
    body?: unknown,
    extra: Partial<TestRequest> = {},
  ): Promise<ApiResponse> {
    const [path = '', query = ''] = url.split('?');
    const { headers = {}, wantsObject = false, fence, user = admin } = extra;
    const bytes = body === undefined ? undefined : encodeBody(body);
    const request: ApiRequest = {
      method,
      path,
      query: new URLSearchParams(query),
      headers,
      body: bytes === undefined ? undefined : wantsObject ? { object: body } : { bytes },
      user,
      wantsObject,
      ...(fence === undefined ? {} : { fence }),
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
    };
    return this.server.handle(request);
  }

  /** The decoded answer; what is not 2xx comes back as its Status. */
  async json<T = KubernetesObject>(
    method: string,
    url: string,
    body?: unknown,
    extra: Partial<TestRequest> = {},
  ): Promise<{ status: number; body: T; headers: Readonly<Record<string, string>> }> {
    const response = await this.request(method, url, body, extra);
    if (response.kind !== 'unary') throw new Error('a stream was not expected');
    const { status, headers } = response;
    if (response.object !== undefined) return { status, body: response.object as T, headers };
    const text = Buffer.concat(response.chunks ?? []).toString('utf8');
    return { status, body: JSON.parse(text) as T, headers };
  }

  async create<T = KubernetesObject>(url: string, body: unknown): Promise<T> {
    const answer = await this.json<T>('POST', url, body);
    if (answer.status !== 201) throw new Error(`create answered ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async fails(
    method: string,
    url: string,
    body?: unknown,
    extra: Partial<TestRequest> = {},
  ): Promise<Status> {
    const answer = await this.json<Status>(method, url, body, extra);
    if (answer.status < 400) throw new Error(`${method} ${url} did not fail: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async watch(url: string, extra: Partial<TestRequest> = {}): Promise<TestWatch> {
    const response = await this.request('GET', url, undefined, extra);
    if (response.kind !== 'stream') {
      const text = Buffer.concat(response.chunks ?? []).toString('utf8');
      throw new Error(`the watch was refused: ${text}`);
    }
    const watch = new TestWatch();
    watch.stop = response.start(watch);
    return watch;
  }

  namespace(name: string): Promise<KubernetesObject> {
    return this.create('/api/v1/namespaces', { metadata: { name } });
  }
}

export interface TestRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly wantsObject: boolean;
  readonly fence: number;
  readonly user: UserInfo;
}

const admin: UserInfo = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };

function encodeBody(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Collects what a watch sends. `stalled` makes it a client that reads nothing. */
export class TestWatch implements StreamSink {
  readonly events: WatchEvent[] = [];
  readonly frames: Uint8Array[] = [];
  ended = false;
  stalled = false;
  stop = () => {};
  #wakers: (() => void)[] = [];
  #roomWaiters: (() => void)[] = [];

  write(frame: Uint8Array | { readonly type: string; readonly object: unknown }): boolean {
    if (frame instanceof Uint8Array) {
      this.frames.push(frame);
      const text = Buffer.from(frame).toString('utf8');
      for (const line of text.split('\n')) if (line !== '') this.events.push(JSON.parse(line) as WatchEvent);
    } else this.events.push(frame as WatchEvent);
    this.#wake();
    return !this.stalled;
  }

  end(): void {
    this.ended = true;
    this.#wake();
  }

  ready(): Promise<void> | undefined {
    if (!this.stalled) return undefined;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  resume(): void {
    this.stalled = false;
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  /** Resolves with the first `count` events once there are so many. */
  async first(count: number): Promise<readonly WatchEvent[]> {
    while (this.events.length < count && !this.ended) {
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
    return this.events.slice(0, count);
  }

  async closed(): Promise<readonly WatchEvent[]> {
    while (!this.ended) await new Promise<void>((resolve) => this.#wakers.push(resolve));
    return this.events;
  }

  summary(): readonly string[] {
    return this.events.map(({ type, object }) => `${type} ${object.metadata?.name ?? ''}`.trim());
  }

  #wake(): void {
    for (const resolve of this.#wakers.splice(0)) resolve();
  }
}
