import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { TestCluster } from './cluster.js';

export interface ApiReply<T = Status> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly body: T;
}

/** What the tests read of an object. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
}

export interface ApiList<T = ApiObject> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

export interface Status {
  readonly kind?: string;
  readonly status?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string }[] };
}

export interface Identity {
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

export interface CallOptions {
  /** Sent as it is when a string, as JSON otherwise. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Plain HTTPS to one server of the cluster, as one user, over kept connections: for what kubectl would hide. */
export class Api {
  readonly #agent: Agent;
  readonly #server: URL;
  readonly #token: string | undefined;

  constructor(server: string, ca: string, identity: Identity = {}, connections = 8) {
    this.#server = new URL(server);
    this.#token = identity.token;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: connections,
      ca,
      ...(identity.cert === undefined ? {} : { cert: identity.cert, key: identity.key }),
    });
  }

  /** As the cluster's administrator unless another identity is given; through the balancer unless a server is named. */
  static of(
    cluster: TestCluster,
    options: { readonly server?: string; readonly identity?: Identity; readonly connections?: number } = {},
  ): Api {
    const identity = options.identity ?? { cert: pki(cluster, 'admin.crt'), key: pki(cluster, 'admin.key') };
    return new Api(options.server ?? cluster.server(), pki(cluster, 'ca.crt'), identity, options.connections);
  }

  /** Rejects when no complete answer came within the time (10 s) or the connection broke. */
  async call<T = Status>(method: string, path: string, options: CallOptions = {}): Promise<ApiReply<T>> {
    const { body, headers = {}, timeoutMs = 10_000 } = options;
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent: this.#agent,
          host: this.#server.hostname,
          port: this.#server.port,
          method,
          path,
          headers: {
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
            ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
            ...headers,
          },
          signal: AbortSignal.timeout(timeoutMs),
        },
        (response) => {
          let answer = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: answer,
              body: parsed(answer) as T,
            }),
          );
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A file of the cluster's `pki` folder. */
export function pki(cluster: TestCluster, name: string): string {
  return readFileSync(join(cluster.dataDir, 'pki', name), 'utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Metrics, health and YAML are text.
    return undefined;
  }
}

export function configMap(name: string, data: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}
