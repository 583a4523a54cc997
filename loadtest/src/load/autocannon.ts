import { performance } from 'node:perf_hooks';
import type { TLSSocket } from 'node:tls';
import autocannon from 'autocannon';
import { Latencies } from '../stats.js';
import { type EngineReport, faultOf, type LoadPlan, requestAt } from './plan.js';

/** The connection behind a client, which the typings leave out: its latency starts when the handshake is over. */
interface Client {
  readonly conn: TLSSocket & { readonly secureConnecting: boolean };
  on(event: 'request' | 'headers' | 'response' | 'timeout', listener: () => void): this;
  on(event: 'connError', listener: (error: Error) => void): this;
}

/** Connections break in numbers when a server goes; more than these mean that there is none. */
const maximumConnectionErrors = 10_000;

/**
 * Runs a plan with autocannon: HTTP/1.1, one connection a client. Latencies are timed and recorded here, because
 * autocannon counts the TLS handshake into the first, has no p95, and corrects for coordinated omission with an
 * interval of a millisecond whatever the rate. At a set rate it sends each second's requests in one go.
 */
export async function runAutocannon(plan: LoadPlan): Promise<EngineReport> {
  const tally = new Tally(plan);
  let numbered = 0;
  const request = {
    method: plan.work.method,
    headers: {
      accept: 'application/json',
      ...(plan.work.body === null ? {} : { 'content-type': 'application/json' }),
    },
    setupRequest: (built: autocannon.Request): autocannon.Request => {
      const { path, body } = requestAt(plan.work, numbered++);
      return { ...built, path, ...(body === null ? {} : { body }) };
    },
    onResponse: (status: number, body: string) => tally.answered(faultOf(plan.work, status, body)),
  };
  const clients = Math.min(plan.clients, plan.rate ?? plan.clients);
  const started = performance.now();
  const options: autocannon.Options & { readonly sampleInt: number } = {
    // A list makes the clients take the servers in turn; the typings know only one.
    url: plan.servers as unknown as string,
    connections: clients,
    duration: plan.seconds,
    maxOverallRequests: Math.max(requestsOf(plan), clients),
    timeout: 30,
    bailout: maximumConnectionErrors,
    requests: [request],
    tlsOptions: { ca: plan.tls.ca, cert: plan.tls.cert, key: plan.tls.key },
    setupClient: (client) => tally.follow(client as unknown as Client),
    // The end of the load is looked for this often (ms).
    sampleInt: 100,
    ...(plan.rate === null ? {} : { overallRate: plan.rate }),
  };
  await new Promise<void>((resolve, reject) => {
    const instance = autocannon(options, (error: Error | null) =>
      error === null ? resolve() : reject(error),
    );
    tally.onUntrusted = () => instance.stop();
  });
  return tally.report((performance.now() - started) / 1_000);
}

/** The most requests that the plan allows. */
function requestsOf({ rate, seconds, maximumRequests }: LoadPlan): number {
  return rate === null ? maximumRequests : Math.min(maximumRequests, Math.floor(rate * seconds));
}

class Tally {
  onUntrusted: () => void = () => {};
  readonly #plan: LoadPlan;
  readonly #latencies = new Latencies();
  readonly #intervalMs: number | undefined;
  #sent = 0;
  #done = 0;
  #errors = 0;
  #firstError: string | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#intervalMs =
      plan.rate === null ? undefined : (1_000 * Math.min(plan.clients, plan.rate)) / plan.rate;
  }

  /** Times the requests of one client; it has at most one under way. */
  follow(client: Client): void {
    let startedAt: number | undefined;
    let pending = false;
    const measured = (): void => {
      if (startedAt === undefined) return;
      this.#latencies.record(performance.now() - startedAt, this.#intervalMs);
      startedAt = undefined;
    };
    client.on('request', () => {
      if (pending) this.#fail('the connection closed before an answer came');
      pending = true;
      this.#sent++;
      startedAt = undefined;
      if (client.conn.secureConnecting)
        client.conn.once('secureConnect', () => (startedAt = performance.now()));
      else startedAt = performance.now();
    });
    client.on('headers', () => {
      this.#demandTrust(client.conn);
      if (this.#plan.work.latencyOf === 'first-byte') measured();
    });
    client.on('response', () => {
      pending = false;
      if (this.#plan.work.latencyOf === 'response') measured();
    });
    client.on('timeout', () => {
      pending = false;
      this.#fail('no answer within 30 s');
    });
    client.on('connError', (error: Error) => {
      pending = false;
      this.#fail(error.message);
    });
  }

  answered(fault: string | undefined): void {
    if (fault === undefined) this.#done++;
    else this.#fail(fault);
  }

  report(seconds: number): EngineReport {
    const { rate } = this.#plan;
    const due = rate === null ? this.#sent : requestsOf(this.#plan);
    return {
      engine: 'autocannon',
      protocol: 'HTTP/1.1',
      seconds,
      requests: this.#done + this.#errors,
      errors: this.#errors,
      firstError: this.#firstError ?? null,
      dropped: Math.max(0, due - this.#sent),
      latencyMs: this.#latencies.summary(),
      coordinatedOmission: rate === null ? 'none' : 'corrected',
    };
  }

  #fail(message: string): void {
    this.#errors++;
    this.#firstError ??= message;
  }

  /** autocannon accepts every server certificate; this does not. */
  #demandTrust(connection: TLSSocket): void {
    if (connection.authorized) return;
    this.#fail(`the server's certificate is not trusted: ${String(connection.authorizationError)}`);
    this.onUntrusted();
  }
}
