import { type ClientHttp2Session, connect } from 'node:http2';
import { Api, configMap, pki } from './api.js';
import type { TestCluster } from './cluster.js';
import { eventually } from './cluster.js';

const path = '/api/v1/namespaces/default/configmaps';

/**
 * Clients that write through the balancer one request after the other and count every one that is not answered as it
 * should be. Over HTTP/1.1 with kept connections, and over HTTP/2 as kube clients do it: a session that was told to go
 * away gets no further request.
 */
export class SteadyClients {
  readonly #running: Promise<void>[];
  readonly #failures: string[] = [];
  #answered = 0;
  #stopping = false;

  constructor(readonly cluster: TestCluster) {
    this.#running = [this.#http1(0), this.#http1(1), this.#http2(2), this.#http2(3)];
  }

  async progress(more: number): Promise<void> {
    const wanted = this.#answered + more;
    await eventually(`${more} more answers`, async () => this.#answered >= wanted);
  }

  async failures(): Promise<readonly string[]> {
    this.#stopping = true;
    await Promise.all(this.#running);
    return this.#failures;
  }

  #body(client: number, n: number): object {
    return configMap(`steady-${client}-${Date.now()}-${n}`);
  }

  #answer(status: number, what: string): void {
    if (status === 201) this.#answered += 1;
    else this.#failures.push(`${what}: ${status}`);
  }

  async #http1(client: number): Promise<void> {
    const api = Api.of(this.cluster, { connections: 1 });
    for (let n = 0; !this.#stopping; n += 1) {
      const reply = await api
        .call('POST', path, { body: this.#body(client, n) })
        .catch((error: Error) => error);
      if (reply instanceof Error) this.#failures.push(`HTTP/1.1: ${reply.message}`);
      else this.#answer(reply.status, 'HTTP/1.1');
    }
    api.close();
  }

  async #http2(client: number): Promise<void> {
    let session: ClientHttp2Session | undefined;
    const send = (body: object): Promise<number> => {
      if (session === undefined || session.closed || session.destroyed) session = this.#session();
      return post(session, body);
    };
    for (let n = 0; !this.#stopping; n += 1) {
      const body = this.#body(client, n);
      try {
        this.#answer(await send(body).catch((error: Error) => sentNever(error, () => send(body))), 'HTTP/2');
      } catch (error) {
        this.#failures.push(`HTTP/2: ${(error as Error).message}`);
      }
    }
    session?.close();
  }

  #session(): ClientHttp2Session {
    const identity = { cert: pki(this.cluster, 'admin.crt'), key: pki(this.cluster, 'admin.key') };
    const session = connect(this.cluster.server(), { ca: pki(this.cluster, 'ca.crt'), ...identity });
    session.on('goaway', () => session.close());
    session.on('error', (error) => this.#failures.push(`HTTP/2 session: ${error.message}`));
    return session;
  }
}

/**
 * Node's client gives up by itself what it had queued when it is told to go away, and says so by the code that promises
 * that the server has not seen it (RFC 9113 §8.7). It is sent again, once, as Go's client does.
 */
function sentNever(error: Error, again: () => Promise<number>): Promise<number> {
  if (error.message.includes('NGHTTP2_REFUSED_STREAM')) return again();
  throw error;
}

function post(session: ClientHttp2Session, body: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
    let status = 0;
    stream.on('response', (headers) => (status = headers[':status'] ?? 0));
    stream.on('error', reject);
    stream.on('close', () => resolve(status));
    stream.resume();
    stream.end(JSON.stringify(body));
  });
}
