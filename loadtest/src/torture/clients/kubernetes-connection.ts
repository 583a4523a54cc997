import { Http2Client, type Tls } from '../../http2/http2-client.js';

const usualTimeoutMs = 2_000;

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: { readonly v?: string };
}

export interface WatchMessage {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: ConfigMap & { readonly code?: number; readonly message?: string };
}

export const namespace = 'torture';
const path = `/api/v1/namespaces/${namespace}/configmaps`;

const encode = (name: string, value: string, resourceVersion?: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace,
      ...(resourceVersion === undefined ? {} : { resourceVersion: String(resourceVersion) }),
    },
    data: { v: value },
  });

/** One client's connection to one master's Kubernetes API: ConfigMaps of one namespace. Every call ends by its deadline. */
export class KubernetesConnection {
  readonly #http: Http2Client;

  constructor(
    server: string,
    tls: Tls,
    readonly timeoutMs = usualTimeoutMs,
  ) {
    this.#http = new Http2Client(server, tls);
  }

  async createNamespace(): Promise<void> {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await this.#call('POST', '/api/v1/namespaces', [201, 409], body);
  }

  /** `applied` is false where the name is taken. */
  async create(name: string, value: string): Promise<{ applied: boolean; revision?: number }> {
    const { status, body } = await this.#call('POST', path, [201, 409], encode(name, value));
    return status === 201 ? { applied: true, revision: revisionOf(body) } : { applied: false };
  }

  /** `applied` is false where the object is at another revision, or gone. */
  async update(
    name: string,
    expectedRevision: number,
    value: string,
  ): Promise<{ applied: boolean; revision?: number }> {
    const body = encode(name, value, expectedRevision);
    const reply = await this.#call('PUT', `${path}/${name}`, [200, 404, 409], body);
    return reply.status === 200 ? { applied: true, revision: revisionOf(reply.body) } : { applied: false };
  }

  async get(name: string): Promise<{ value: string | undefined; revision?: number }> {
    const { status, body } = await this.#call('GET', `${path}/${name}`, [200, 404]);
    if (status === 404) return { value: undefined };
    return { value: (JSON.parse(body) as ConfigMap).data?.v, revision: revisionOf(body) };
  }

  async delete(name: string): Promise<{ existed: boolean }> {
    return { existed: (await this.#call('DELETE', `${path}/${name}`, [200, 404])).status === 200 };
  }

  async list(): Promise<{
    readonly revision: number;
    readonly items: ReadonlyMap<string, { readonly value: string | undefined; readonly revision: number }>;
  }> {
    const { body } = await this.#call('GET', path, [200]);
    const list = JSON.parse(body) as {
      readonly metadata: { readonly resourceVersion: string };
      readonly items: readonly ConfigMap[];
    };
    const items = list.items.map(
      ({ metadata, data }) =>
        [metadata.name, { value: data?.v, revision: Number(metadata.resourceVersion) }] as const,
    );
    return { revision: Number(list.metadata.resourceVersion), items: new Map(items) };
  }

  async deleteAll(): Promise<void> {
    await this.#call('DELETE', path, [200]);
  }

  /** Resolves or rejects when the watch ends, however it does; `close` ends it. */
  async watch(after: number, onMessage: (message: WatchMessage) => void): Promise<void> {
    let rest = '';
    const onChunk = (chunk: Buffer): void => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onMessage(JSON.parse(line) as WatchMessage);
    };
    const query = `?watch=true&allowWatchBookmarks=true&resourceVersion=${after}`;
    const { status } = await this.#http.request('GET', `${path}${query}`, undefined, { onChunk });
    if (status !== 200) throw new Error(`the watch was answered ${status}`);
  }

  close(): void {
    this.#http.close();
  }

  async #call(
    method: string,
    target: string,
    wanted: readonly number[],
    text?: string,
  ): Promise<{ readonly status: number; readonly body: string }> {
    const { status, body } = await this.#http.request(method, target, text, {
      timeoutMs: this.timeoutMs,
    });
    if (!wanted.includes(status)) {
      const what = `${method} ${target}: ${status} ${body.toString('utf8', 0, 300)}`;
      throw unavailable.has(status) ? new Error(what) : new UnexpectedAnswer(what);
    }
    return { status, body: body.toString() };
  }
}

/** What a server in trouble may say; whether the request had an effect is not told. */
const unavailable: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** An answer that no fault excuses. */
export class UnexpectedAnswer extends Error {}

const revisionOf = (body: string): number => Number((JSON.parse(body) as ConfigMap).metadata.resourceVersion);
