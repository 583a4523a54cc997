import { Http2Client, type Tls } from '../http2/http2-client.js';
import type { ChangeEvent, Connection } from './connection.js';

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: { readonly v?: string };
}

/** ConfigMaps of one namespace on one API server, as a store of keys: a connection of its own over mutual TLS. */
export class KubernetesConnection implements Connection {
  readonly #http: Http2Client;
  readonly #path: string;
  readonly #namespace: string;
  readonly #timeoutMs: number;

  constructor(server: string, tls: Tls, namespace: string, timeoutMs: number) {
    this.#http = new Http2Client(server, tls);
    this.#namespace = namespace;
    this.#path = `/api/v1/namespaces/${namespace}/configmaps`;
    this.#timeoutMs = timeoutMs;
  }

  async create(key: string, value: string): Promise<{ readonly revision: number }> {
    return { revision: revisionOf(await this.#call('POST', this.#path, 201, this.#encode(key, value))) };
  }

  async put(key: string, value: string): Promise<{ readonly revision: number }> {
    const body = await this.#call('PUT', `${this.#path}/${key}`, 200, this.#encode(key, value));
    return { revision: revisionOf(body) };
  }

  async get(key: string): Promise<{ readonly value: string | undefined; readonly revision?: number }> {
    const body = await this.#call('GET', `${this.#path}/${key}`, 200);
    return { value: (JSON.parse(body) as ConfigMap).data?.v, revision: revisionOf(body) };
  }

  async list(prefix: string): Promise<{ readonly revision: number; readonly keys: readonly string[] }> {
    const list = JSON.parse(await this.#call('GET', this.#path, 200)) as {
      readonly metadata: { readonly resourceVersion: string };
      readonly items: readonly ConfigMap[];
    };
    const keys = list.items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith(prefix));
    return { revision: Number(list.metadata.resourceVersion), keys };
  }

  async watch(
    prefix: string,
    after: number,
    onEvent: (event: ChangeEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const end = (): void => this.close();
    signal.addEventListener('abort', end, { once: true });
    let rest = '';
    let batch = 0;
    let fault: Error | undefined;
    const onLine = (line: string): void => {
      const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: ConfigMap };
      if (type === 'ERROR') {
        fault = new Error(`the watch failed: ${line.slice(0, 300)}`);
        return;
      }
      const { name, resourceVersion } = object.metadata;
      if (type === 'BOOKMARK' || !name.startsWith(prefix)) return;
      const value = type === 'DELETED' ? undefined : object.data?.v;
      onEvent({ key: name, value, revision: Number(resourceVersion), batch: batch++ });
    };
    const onChunk = (chunk: Buffer): void => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    };
    try {
      const path = `${this.#path}?watch=true&resourceVersion=${after}`;
      const { status } = await this.#http.request('GET', path, undefined, { onChunk });
      if (status !== 200) throw new Error(`the watch was answered with ${status}`);
      if (fault !== undefined) throw fault;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  close(): void {
    this.#http.close();
  }

  #encode(key: string, value: string): string {
    const metadata = { name: key, namespace: this.#namespace };
    return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { v: value } });
  }

  async #call(method: string, path: string, wanted: number, body?: string): Promise<string> {
    const answer = await this.#http.request(method, path, body, { timeoutMs: this.#timeoutMs });
    const text = answer.body.toString();
    if (answer.status !== wanted) {
      throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    }
    return text;
  }
}

const revisionOf = (body: string): number => Number((JSON.parse(body) as ConfigMap).metadata.resourceVersion);
