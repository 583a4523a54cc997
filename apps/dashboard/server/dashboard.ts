/**
 * The dashboard as one master serves it, behind the API's authentication and RBAC (nonResourceURLs under /dashboard/):
 *
 *   GET  /dashboard/            the page
 *   GET  /dashboard/stream      frames (protocol.ts), one JSON object a line, for as long as the client stays
 *   POST /dashboard/faults      a fault on a local cluster, done by its supervisor
 *   POST /dashboard/probe       one write through the log, for the tour's own writer
 *   GET  /trireme/v1/observation  this master about itself, asked by the others
 *
 * Nothing is collected while nobody watches.
 */
import { ApiError, tooManyRequests } from '#libs/apimachinery';
import {
  type ApiHandler,
  type ApiRequest,
  type ApiResponse,
  type Authorizer,
  mayAccessPath,
  type PathHandler,
  type RequestDone,
} from '#libs/apiserver';
import { createInProcessTransport } from '#libs/client';
import type { ConsensusMetrics, Storage } from '#libs/consensus';
import type { FaultNote, FaultOrder, Frame, ProbeAnswer } from '../protocol.js';
import { asset, securityHeaders } from './assets.js';
import { Collector, type CollectorOptions, type FaultReport } from './collector.js';
import { ObjectsReader } from './objects.js';
import { Observer } from './observer.js';
import { checkSameOrigin, parseFaultOrder, parseProbeOrder } from './orders.js';
import { observationPath } from './peer-watch.js';
import { Traffic } from './traffic.js';

const prefix = '/dashboard/';
const streamsMax = 16;
const objectsEveryMs = 2_000;
const probeTimeoutMs = 2_000;
/** Beside the objects of Kubernetes: neither listed nor watched by anybody. */
const probeKey = '/trireme/dashboard/probe';

/** Does faults on the cluster; only where one supervisor runs all of it. */
export interface FaultPort {
  report(): Promise<FaultReport>;
  /** Rejects with what was wrong. */
  apply(order: FaultOrder): Promise<FaultNote>;
}

export interface DashboardOptions extends Pick<
  CollectorOptions,
  'cluster' | 'self' | 'urlOf' | 'trust' | 'onFault'
> {
  readonly storage: Storage;
  /** Undefined where the log is another program's. */
  readonly metrics: (() => ConsensusMetrics) | undefined;
  readonly version: string;
  readonly faults: FaultPort | undefined;
}

/** What is there only once the API server is. */
interface Api {
  readonly handle: ApiHandler;
  readonly authorizer: Authorizer;
  /** Whether /readyz answers 200. */
  readonly ready: () => Promise<boolean>;
}

export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #traffic = new Traffic();
  readonly #observer: Observer;
  readonly #collector: Collector;
  readonly #streams = new Set<() => void>();
  readonly #forget: () => void;
  #api: Api | undefined;

  constructor(options: DashboardOptions) {
    const { storage, metrics, version, faults } = options;
    this.#options = options;
    const ready = async (): Promise<boolean> => (await this.#api?.ready()) === true;
    this.#observer = new Observer({ storage, metrics, traffic: this.#traffic, version, ready });
    this.#collector = new Collector({
      ...options,
      observe: () => this.#observer.observe(),
      members: () => storage.status().members,
      faultReport: faults === undefined ? undefined : () => faults.report(),
    });
    this.#forget = storage.onLeadership(() => this.#collector.changed());
  }

  /** To be called before the first request. */
  attach(api: Api): void {
    this.#api = api;
  }

  requestDone(done: RequestDone): void {
    this.#traffic.requestDone(done);
  }

  /** Ends all streams, so that the pages go on through another master. */
  close(): void {
    for (const end of this.#streams) end();
    this.#collector.close();
    this.#forget();
    this.#observer.close();
  }

  readonly handler: PathHandler = (request) => {
    const { method, path } = request;
    if (path === observationPath && method === 'GET') return this.#observer.observe().then(json);
    if (path === '/dashboard') return redirect(prefix);
    if (!path.startsWith(prefix)) return undefined;
    const name = path.slice(prefix.length);
    if (method === 'POST' && name === 'faults') return this.#fault(request);
    if (method === 'POST' && name === 'probe') return this.#probe(request);
    if (method !== 'GET' && method !== 'HEAD') return undefined;
    return name === 'stream' ? this.#stream(request) : asset(name);
  };

  async #fault(request: ApiRequest): Promise<ApiResponse> {
    checkSameOrigin(request);
    const { faults } = this.#options;
    if (faults === undefined)
      throw new ApiError(403, 'Forbidden', 'faults are done only on a local cluster, by its supervisor');
    const order = parseFaultOrder(request);
    try {
      return json(await faults.apply(order));
    } catch (error) {
      throw new ApiError(409, 'Conflict', (error as Error).message);
    }
  }

  async #probe(request: ApiRequest): Promise<ApiResponse> {
    checkSameOrigin(request);
    const { writer, number } = parseProbeOrder(request);
    const { storage, self } = this.#options;
    const startedMs = performance.now();
    const value = new TextEncoder().encode(`${writer} ${number}`);
    const { results, revision } = await storage.txn(
      { compare: [], success: [{ type: 'put', key: probeKey, value }] },
      { timeoutMs: probeTimeoutMs },
    );
    this.#traffic.probeDone((performance.now() - startedMs) / 1_000);
    const previous = results[0]?.type === 'put' ? results[0].previous : undefined;
    const [writerBefore, numberBefore] = new TextDecoder().decode(previous?.value).split(' ');
    const before = writerBefore === writer ? { before: Number(numberBefore) } : {};
    return json({ number, ...before, servedBy: self, revision } satisfies ProbeAnswer);
  }

  async #stream({ user }: ApiRequest): Promise<ApiResponse> {
    if (this.#api === undefined) throw new Error('asked before the master was wired');
    if (this.#streams.size >= streamsMax)
      throw tooManyRequests(`${streamsMax} dashboards are open on this master`, 5);
    const mayDoFaults = await this.#mayDoFaults(user);
    const objects = new ObjectsReader(createInProcessTransport(this.#api.handle, { user }));
    return {
      kind: 'stream',
      status: 200,
      headers: { ...securityHeaders, 'content-type': 'application/x-ndjson' },
      start: (sink) => {
        let news: Frame['objects'];
        let isReading = false;
        const read = async (): Promise<void> => {
          if (isReading) return;
          isReading = true;
          try {
            news = await objects.read();
          } catch (error) {
            this.#options.onFault(error);
          } finally {
            isReading = false;
          }
        };
        void read();
        const timer = setInterval(() => void read(), objectsEveryMs);
        const stopListening = this.#collector.listen(({ faults, ...frame }) => {
          // A frame holds all there is: a slow client loses some of them, and nothing with them.
          if (sink.ready?.() !== undefined) return;
          const told: Frame = {
            ...frame,
            ...(mayDoFaults && faults !== undefined ? { faults } : {}),
            ...(news === undefined ? {} : { objects: news }),
          };
          news = undefined;
          sink.write(Buffer.from(`${JSON.stringify(told)}\n`));
        });
        const stop = (): void => {
          clearInterval(timer);
          stopListening();
          objects.close();
          this.#streams.delete(end);
        };
        const end = (): void => {
          stop();
          sink.end();
        };
        this.#streams.add(end);
        return stop;
      },
    };
  }

  async #mayDoFaults(user: ApiRequest['user']): Promise<boolean> {
    if (this.#api === undefined || this.#options.faults === undefined) return false;
    return mayAccessPath(this.#api.authorizer, user, 'post', `${prefix}faults`);
  }
}

function json(value: unknown): ApiResponse {
  return {
    kind: 'unary',
    status: 200,
    headers: { ...securityHeaders, 'content-type': 'application/json' },
    chunks: [Buffer.from(JSON.stringify(value))],
  };
}

function redirect(location: string): ApiResponse {
  return { kind: 'unary', status: 308, headers: { ...securityHeaders, location } };
}
