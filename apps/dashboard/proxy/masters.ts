import { Agent, type RequestOptions, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

export interface Access {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Until the answer begins; then the next master is asked. */
  readonly timeoutMs: number;
}

/**
 * A paused master's kernel still accepts connections: its handshake tells. Short at first, so that another one is found
 * soon; when nobody was quick enough the whole machine may be slow, and all are asked again with patience.
 */
const handshakeTimeoutsMs = [500, 3_000] as const;

/** The masters that the loopback listener may speak to, the one that answered last first. */
export class Masters {
  readonly #candidates: () => readonly string[];
  readonly #access: () => Access;
  readonly #agents = new Map<string, { readonly agent: Agent; readonly access: Access }>();
  #preferred: string | undefined;
  /** Those that failed, the newest first. */
  #avoided: readonly string[] = [];

  /** `candidates`: base URLs, best first. Both are asked for anew each time: masters move, certificates change. */
  constructor(candidates: () => readonly string[], access: () => Access) {
    this.#candidates = candidates;
    this.#access = access;
  }

  /** The first answer that any master begins. Rejects with the last one's fault when none does. */
  async call(call: Call): Promise<{ readonly url: string; readonly response: IncomingMessage }> {
    let fault = new Error('no master is known');
    for (const handshakeTimeoutMs of handshakeTimeoutsMs) {
      for (const url of this.#ordered()) {
        try {
          const response = await this.#ask(url, call, handshakeTimeoutMs);
          this.#preferred = url;
          return { url, response };
        } catch (error) {
          this.avoid(url);
          fault = error as Error;
        }
      }
    }
    throw fault;
  }

  /** A master failed, broke off or fell silent: others come first from now on. */
  avoid(url: string): void {
    if (this.#preferred === url) this.#preferred = undefined;
    // Idle connections to it would only be tried in vain; those in use tell by themselves.
    for (const sockets of Object.values(this.#agents.get(url)?.agent.freeSockets ?? {}))
      for (const socket of sockets ?? []) socket.destroy();
    this.#avoided = [url, ...this.#avoided.filter((other) => other !== url)].slice(0, 16);
  }

  close(): void {
    for (const { agent } of this.#agents.values()) agent.destroy();
  }

  #ordered(): string[] {
    // Who failed longest ago, or never, comes before who has just failed.
    const penalty = (url: string): number => {
      if (url === this.#preferred) return -1;
      const index = this.#avoided.indexOf(url);
      return index === -1 ? 0 : this.#avoided.length - index;
    };
    return [...new Set(this.#candidates())].sort((a, b) => penalty(a) - penalty(b));
  }

  #agent(url: string, access: Access): Agent {
    const { ca, cert, key } = access;
    const known = this.#agents.get(url);
    if (known !== undefined && sameCredentials(known.access, access)) return known.agent;
    // Its streams end with it: the page goes on with others that the new certificates vouch for.
    known?.agent.destroy();
    const agent = new Agent({ keepAlive: true, ca, cert, key });
    this.#agents.set(url, { agent, access });
    return agent;
  }

  #ask(
    url: string,
    { method, path, headers, body, timeoutMs }: Call,
    handshakeTimeoutMs: number,
  ): Promise<IncomingMessage> {
    const access = this.#access();
    const { token } = access;
    const options: RequestOptions = {
      agent: this.#agent(url, access),
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    };
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, url), options);
      const timer = setTimeout(() => sent.destroy(new Error('no answer')), timeoutMs);
      sent.on('socket', (socket) => giveUpOnHandshake(socket, sent, handshakeTimeoutMs));
      sent.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      sent.on('response', (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      sent.end(body);
    });
  }
}

function sameCredentials(a: Access, b: Access): boolean {
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

function giveUpOnHandshake(
  socket: Socket,
  sent: { destroy(error: Error): unknown },
  timeoutMs: number,
): void {
  if (!socket.connecting) return;
  const timer = setTimeout(() => sent.destroy(new Error('no answer to the handshake')), timeoutMs);
  const done = (): void => clearTimeout(timer);
  socket.once('secureConnect', done).once('close', done);
}
