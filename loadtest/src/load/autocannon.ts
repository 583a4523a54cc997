import { performance } from 'node:perf_hooks';
import type { TLSSocket } from 'node:tls';
import autocannon from 'autocannon';
import { type Iteration, Pacer } from './pacer.js';
import {
  faultOf,
  type Group,
  isReached,
  type LoadPlan,
  operationAt,
  pollMs,
  requestOf,
  requestTimeoutSeconds,
  type Step,
  untilLimitMs,
} from './plan.js';
import { sentAtMark } from './scenarios/watch.js';
import type { TickGatherer } from './ticks.js';

/**
 * What of an autocannon client the typings leave out. `_doRequest` sends the client's next request and is called when
 * its connection is made and when an answer came: it is what is replaced here, so that a request is sent when the plan
 * says so and not as soon as possible (the version is pinned, and the scenarios' tests would tell).
 */
interface Client {
  conn: TLSSocket;
  readonly destroyed: boolean;
  _doRequest: () => void;
  _connect: () => void;
  setRequests(requests: readonly object[]): void;
  on(event: 'headers', listener: () => void): this;
  on(event: 'body', listener: (chunk: Buffer) => void): this;
  on(event: 'connError', listener: (error: Error) => void): this;
}

/** Connections break in numbers when a server goes; more than these mean that there is none. */
const maximumConnectionErrors = 10_000;
const reconnectAfterMs = 100;
const openingLimitMs = 20_000;
const noAnswer = `the connection closed before an answer came, or none came within ${requestTimeoutSeconds} s`;

export interface GeneratorShare {
  readonly index: number;
  readonly processes: number;
}

export interface GeneratorEvents {
  readonly onFault: (fault: string) => void;
  /** All connections stand; `go` begins the load, so that several processes begin together. */
  readonly ready: () => Promise<TickGatherer>;
}

/** Clients of a group that one of several processes has, and the number of its first. */
function shareOf(group: Group, { index, processes }: GeneratorShare): { count: number; first: number } {
  const base = Math.floor(group.clients / processes);
  const more = group.clients % processes;
  return { count: base + (index < more ? 1 : 0), first: index * base + Math.min(index, more) };
}

/**
 * Runs a process's share of a plan with autocannon: HTTP/1.1, one connection a client. Its clients and their parsing
 * are autocannon's; when requests go out, and what their latencies count from, is the pacer's.
 * Resolves with the number of iterations that were due and never begun.
 */
export async function generate(
  plan: LoadPlan,
  share: GeneratorShare,
  events: GeneratorEvents,
): Promise<number> {
  const groups = plan.groups
    .map((group) => new GroupOfClients(plan, group, share, events.onFault))
    .filter((group) => group.size > 0);
  const ended = groups.map(async (group) => group.open());
  const all = Promise.all(ended);
  const stop = (): void => groups.forEach((group) => group.stop());
  let limit = setTimeout(() => {
    events.onFault(`the connections were not there within ${openingLimitMs} ms`);
    stop();
  }, openingLimitMs);
  try {
    await Promise.race([Promise.all(groups.map(async (group) => group.connected)), all]);
    clearTimeout(limit);
    const gatherer = await events.ready();
    for (const group of groups) group.start(gatherer);
    limit = setTimeout(stop, plan.seconds * 1_000);
    await all;
    gatherer.flush();
  } finally {
    clearTimeout(limit);
    stop();
  }
  return groups.reduce((sum, group) => sum + group.missed, 0);
}

class GroupOfClients {
  readonly connected: Promise<void>;
  readonly size: number;
  readonly #plan: LoadPlan;
  readonly #group: Group;
  readonly #first: number;
  readonly #pacer: Pacer;
  readonly #onFault: (fault: string) => void;
  readonly #stops = new AbortController();
  #gatherer: TickGatherer | undefined;
  #waiting: number;
  #idle = 0;
  #connected: () => void = () => {};

  constructor(plan: LoadPlan, group: Group, share: GeneratorShare, onFault: (fault: string) => void) {
    const { count, first } = shareOf(group, share);
    this.#plan = plan;
    this.#group = group;
    this.#first = first;
    this.#waiting = count;
    this.size = count;
    this.#pacer = new Pacer(group, plan.seconds, share);
    this.#onFault = onFault;
    this.connected = new Promise((resolve) => (this.#connected = resolve));
  }

  /** Settles when the group's time is over, or all its iterations are done. */
  async open(): Promise<void> {
    let number = this.#first;
    const rotated = this.#plan.servers.map(
      (_, i) => this.#plan.servers[(i + this.#first) % this.#plan.servers.length],
    );
    const options: autocannon.Options & { readonly sampleInt: number } = {
      // A list makes the clients take the servers in turn; the typings know only one.
      url: rotated as unknown as string,
      connections: this.size,
      // The load ends by `stop`: this is what remains when that fails.
      duration: this.#plan.seconds + 60,
      timeout: requestTimeoutSeconds,
      bailout: maximumConnectionErrors,
      tlsOptions: { ca: this.#plan.tls.ca, cert: this.#plan.tls.cert, key: this.#plan.tls.key },
      setupClient: (client) => this.#adopt(client as unknown as Client, number++),
      // The end of the load is looked for this often (ms).
      sampleInt: 50,
    };
    await new Promise<void>((resolve, reject) => {
      const instance = autocannon(options, (error: Error | null) =>
        error === null ? resolve() : reject(error),
      );
      this.#stops.signal.addEventListener('abort', () => instance.stop());
    });
  }

  start(gatherer: TickGatherer): void {
    this.#gatherer = gatherer;
    this.#pacer.start();
  }

  stop(): void {
    this.#pacer.stop();
    this.#stops.abort();
  }

  get missed(): number {
    return this.#pacer.missed;
  }

  #adopt(client: Client, number: number): void {
    const send = client._doRequest.bind(client);
    const connect = client._connect.bind(client);
    let broken = false;
    let greeted = false;
    client._connect = () => {
      const dial = (): void => {
        if (broken && client.destroyed) return;
        connect();
        if (!greeted) client.conn.once('secureConnect', () => this.#greet(client, () => (greeted = true)));
      };
      // Without a pause, a server that is gone would be dialled as fast as it refuses.
      if (broken) setTimeout(dial, reconnectAfterMs);
      else dial();
    };
    const walk = new Walk(this.#group, this.#pacer, number, {
      send: (request) => {
        client.setRequests([request]);
        send();
      },
      sample: (step, latencyMs) => this.#gatherer?.sample(step, latencyMs),
      fault: (step, fault) => {
        this.#gatherer?.error(step);
        this.#onFault(fault);
      },
      idle: () => {
        if (++this.#idle === this.size) this.stop();
      },
    });
    client._doRequest = () => {
      broken = false;
      walk.free();
    };
    client.on('headers', () => walk.headers());
    client.on('body', (chunk) => walk.chunk(chunk));
    client.on('connError', (error) => {
      broken = true;
      walk.lost(error.message);
    });
  }

  /** autocannon accepts every server certificate; this does not. */
  #greet(client: Client, done: () => void): void {
    if (!client.conn.authorized) {
      this.#onFault(`the server's certificate is not trusted: ${String(client.conn.authorizationError)}`);
      this.stop();
    }
    done();
    if (--this.#waiting === 0) this.#connected();
  }
}

interface WalkActions {
  readonly send: (request: object) => void;
  readonly sample: (step: string, latencyMs: number) => void;
  readonly fault: (step: string, fault: string) => void;
  /** No iteration is left for this client. */
  readonly idle: () => void;
}

/** One client's way through its iterations; it has at most one request under way. */
class Walk {
  readonly #group: Group;
  readonly #pacer: Pacer;
  readonly #client: number;
  readonly #actions: WalkActions;
  #state: 'new' | 'waiting' | 'sent' | 'done' = 'new';
  #iteration: Iteration | undefined;
  #steps: readonly Step[] = [];
  #at = 0;
  #stepStartMs = 0;
  #firstByteMs: number | undefined;
  #openedAtMs = 0;
  #lastChunk: Buffer | undefined;
  #tail = '';

  constructor(group: Group, pacer: Pacer, client: number, actions: WalkActions) {
    this.#group = group;
    this.#pacer = pacer;
    this.#client = client;
    this.#actions = actions;
  }

  /** autocannon has a connection that nothing is under way on. */
  free(): void {
    if (this.#state === 'waiting' || this.#state === 'done') return;
    // A new connection amid a request: the server took the old one away, or autocannon did after its timeout.
    if (this.#state === 'sent') this.lost(noAnswer);
    this.#advance();
  }

  headers(): void {
    this.#firstByteMs ??= performance.now();
  }

  /** Looks for the events of a watch as they come; an answer's pieces share the buffer that they came in. */
  chunk(buffer: Buffer): void {
    const step = this.#steps[this.#at];
    if (step?.latencyOf !== 'first-byte' || buffer === this.#lastChunk) return;
    this.#lastChunk = buffer;
    const text = this.#tail + buffer.toString('latin1');
    const now = performance.timeOrigin + performance.now();
    let end = 0;
    for (let at = text.indexOf(sentAtMark); at !== -1; at = text.indexOf(sentAtMark, end)) {
      end = at + sentAtMark.length;
      const sentAtMs = Number.parseFloat(text.slice(end, end + 20));
      // What was written before the watch began is its initial state.
      if (sentAtMs > this.#openedAtMs) this.#actions.sample('event', now - sentAtMs);
    }
    this.#tail = text.slice(Math.max(end, text.length - sentAtMark.length - 20));
  }

  /** The request under way failed: the iteration ends with it. */
  lost(fault: string): void {
    if (this.#state !== 'sent') return;
    this.#state = 'new';
    this.#actions.fault(this.#steps[this.#at]?.name ?? this.#group.name, fault);
    this.#iteration = undefined;
  }

  #advance(): void {
    if (this.#iteration !== undefined && this.#at < this.#steps.length) return this.#request();
    this.#state = 'waiting';
    if (this.#pacer.exhausted) {
      this.#state = 'done';
      return this.#actions.idle();
    }
    this.#pacer.take((iteration) => {
      this.#iteration = iteration;
      this.#steps = operationAt(this.#group, iteration.n).steps;
      this.#at = 0;
      this.#stepStartMs = iteration.dueMs;
      this.#request();
    });
  }

  #request(): void {
    const step = this.#steps[this.#at];
    if (step === undefined || this.#iteration === undefined) return;
    const nowMs = performance.timeOrigin + performance.now();
    const { path, body } = requestOf(this.#group, step, this.#iteration.n, this.#client, nowMs);
    this.#state = 'sent';
    this.#firstByteMs = undefined;
    this.#openedAtMs = nowMs;
    this.#tail = '';
    this.#actions.send({
      method: step.method,
      path,
      headers: {
        accept: 'application/json',
        ...(step.contentType === null ? {} : { 'content-type': step.contentType }),
      },
      ...(body === null ? {} : { body }),
      onResponse: (status: number, text: string) => this.#answered(step, status, text),
    });
  }

  /** Called before autocannon asks for the next request (`free`). */
  #answered(step: Step, status: number, body: string): void {
    const now = performance.now();
    const fault = faultOf(step, status, body);
    if (fault !== undefined) return this.lost(fault);
    const dueMs = this.#iteration?.dueMs ?? now;
    if (!isReached(step, body)) {
      if (now - dueMs > untilLimitMs) return this.lost(`${step.name} did not end within ${untilLimitMs} ms`);
      // `free` comes next and finds this client waiting.
      this.#state = 'waiting';
      setTimeout(() => this.#request(), pollMs);
      return;
    }
    const end = step.latencyOf === 'first-byte' ? (this.#firstByteMs ?? now) : now;
    this.#actions.sample(step.name, end - (step.until === null ? this.#stepStartMs : dueMs));
    this.#state = 'new';
    this.#at++;
    this.#stepStartMs = now;
  }
}
