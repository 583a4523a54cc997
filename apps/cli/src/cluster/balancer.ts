import { connect, type Server, type Socket } from 'node:net';
import { Agent, request } from 'node:https';

export interface BalancerOptions {
  /** Listens already, and hands its connections over as they come: paused. The balancer closes it. */
  readonly listener: Server;
  /** Candidates, by port on loopback. */
  readonly backends: () => readonly number[];
  /** PEM of the authority that signed the masters' certificates, as it is now. */
  readonly ca: () => string;
  readonly intervalMs?: number;
}

const probeTimeoutMs = 1_000;
/** One check that fails takes a master out of rotation, this many in a row end the connections that it has. */
const cutAfterFailures = 2;

/**
 * A health-checked TCP balancer: TLS passes through, so that clients speak to the masters' own certificates. A master
 * is in rotation while its /readyz answers 200; a refused connection takes it out at once and the next one is tried,
 * so a client never sees a dead master. Connections of a master that fails are closed with it.
 */
export class Balancer {
  readonly #options: BalancerOptions;
  readonly #ready = new Map<number, boolean>();
  readonly #failures = new Map<number, number>();
  readonly #sockets = new Map<number, Set<Socket>>();
  /** One connection a master for its health checks: a handshake each time would be most of an idle master's work. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #timer: NodeJS.Timeout | undefined;
  #next = 0;
  #closed = false;

  constructor(options: BalancerOptions) {
    this.#options = options;
  }

  /** Resolves once each master was looked at. */
  async start(): Promise<void> {
    this.#options.listener
      .removeAllListeners('connection')
      .on('connection', (client) => this.#accept(client));
    const round = async (): Promise<void> => {
      await Promise.all(this.#options.backends().map(async (port) => this.#check(port)));
      if (!this.#closed) this.#timer = setTimeout(() => void round(), this.#options.intervalMs ?? 250);
    };
    await round();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#agent.destroy();
    for (const sockets of this.#sockets.values()) for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#options.listener.close(() => resolve()));
  }

  /** Ports in rotation; all of them when none is known to be ready, so that clients get the masters' own answer. */
  #candidates(): number[] {
    const all = this.#options.backends();
    const ready = all.filter((port) => this.#ready.get(port) === true);
    const pool = ready.length > 0 ? ready : [...all];
    const first = this.#next++ % Math.max(1, pool.length);
    return [...pool.slice(first), ...pool.slice(0, first)];
  }

  #accept(client: Socket): void {
    const candidates = this.#candidates();
    client.on('error', () => client.destroy());
    const tryNext = (): void => {
      const port = candidates.shift();
      if (port === undefined) {
        client.destroy();
        return;
      }
      const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
      upstream.once('error', () => {
        upstream.destroy();
        this.#ready.set(port, false);
        tryNext();
      });
      upstream.once('connect', () => {
        upstream.removeAllListeners('error');
        if (client.destroyed) {
          upstream.destroy();
          return;
        }
        this.#join(client, upstream, port);
      });
    };
    tryNext();
  }

  #join(client: Socket, upstream: Socket, port: number): void {
    const open = this.#sockets.get(port) ?? new Set();
    this.#sockets.set(port, open.add(client));
    const end = (): void => {
      open.delete(client);
      // What one side has sent already still reaches the other.
      client.destroySoon();
      upstream.destroySoon();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.pipe(upstream).pipe(client);
    client.resume();
  }

  async #check(port: number): Promise<void> {
    const ready = await new Promise<boolean>((resolve) => {
      const probe = request(
        {
          host: '127.0.0.1',
          port,
          path: '/readyz',
          ca: this.#options.ca(),
          timeout: probeTimeoutMs,
          agent: this.#agent,
        },
        (response) => {
          response.resume();
          resolve(response.statusCode === 200);
        },
      );
      probe.on('timeout', () => probe.destroy(new Error('timeout')));
      probe.on('error', () => resolve(false));
      probe.end();
    }).catch(() => false); // the authority cannot be read: somebody is at it
    this.#ready.set(port, ready);
    const failures = ready ? 0 : (this.#failures.get(port) ?? 0) + 1;
    this.#failures.set(port, failures);
    // Not ready for longer than a hiccup (draining, cut off, stalled): its clients move on to a master that is.
    if (failures === cutAfterFailures) for (const socket of this.#sockets.get(port) ?? []) socket.destroy();
  }
}
