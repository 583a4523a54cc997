import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context, Span, Tracer } from '@opentelemetry/api';

export interface TracingOptions {
  /** Who tells: the master's name and the cluster's. */
  readonly instance: string;
  readonly cluster: string;
  /** URL of an OTLP/HTTP collector, such as http://127.0.0.1:4318/v1/traces. Either this or `file`. */
  readonly endpoint?: string;
  /** File that gets a JSON object a line. */
  readonly file?: string;
  /** Share of the requests without a trace of their own that are followed, 0 to 1. */
  readonly sampleRatio: number;
}

export interface RequestFacts {
  readonly method: string;
  readonly path: string;
  /** W3C trace context of the caller: the request becomes part of its trace, and follows its decision. */
  readonly traceparent?: string | undefined;
}

/** Stations of one write, in milliseconds since the epoch. */
export interface WriteStations {
  readonly proposedMs: number;
  readonly appendedMs: number;
  readonly syncedMs: number | undefined;
  readonly committedMs: number;
  readonly appliedMs: number;
}

export interface Tracing {
  /** Runs the work of a request as a span; `statusOf` reads its HTTP status from what it resolved to. */
  request<T>(facts: RequestFacts, work: () => Promise<T>, statusOf: (answer: T) => number): Promise<T>;
  /** Follows a write of the request that is being worked on; undefined where that is not followed. */
  write():
    | { readonly applied: (stations: WriteStations) => void; readonly failed: (error: Error) => void }
    | undefined;
  /** Of the request that is being worked on, for log lines. */
  ids(): { readonly traceId: string; readonly spanId: string } | undefined;
  /** Sends what is left, and ends. */
  close(): Promise<void>;
}

/** Spans held until they are sent; those beyond are dropped. */
const maxQueuedSpans = 8_192;
const sendEveryMs = 1_000;

/**
 * Traces of requests through Raft: `POST /api/…` → `raft.write` → `raft.propose`, `raft.fsync`, `raft.commit`,
 * `raft.apply`. OpenTelemetry is loaded here and nowhere else, so that a master without tracing never loads it.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const [{ ROOT_CONTEXT, SpanKind, trace }, sdk, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/resources'),
  ]);
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'trireme-master',
      'service.instance.id': options.instance,
      'k8s.cluster.name': options.cluster,
    }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor(await createExporter(options), {
        maxQueueSize: maxQueuedSpans,
        scheduledDelayMillis: sendEveryMs,
      }),
    ],
  });
  const tracer = provider.getTracer('trireme');
  const current = new AsyncLocalStorage<Span>();
  const contextOf = (span: Span): Context => trace.setSpan(ROOT_CONTEXT, span);
  return {
    async request({ method, path, traceparent }, work, statusOf) {
      const parent = remoteParent(traceparent);
      const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
      const span = tracer.startSpan(
        `${method} ${routeOf(path)}`,
        { kind: SpanKind.SERVER, attributes: { 'http.request.method': method, 'url.path': path } },
        context,
      );
      try {
        const answer = await current.run(span, work);
        const status = statusOf(answer);
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) span.setStatus({ code: 2 });
        return answer;
      } finally {
        span.end();
      }
    },
    write() {
      const request = current.getStore();
      if (request?.isRecording() !== true) return undefined;
      const context = contextOf(request);
      return {
        applied: (stations) => recordWrite(tracer, context, contextOf, stations),
        failed: (error) => {
          request.addEvent('raft.failed', { 'exception.message': error.message });
        },
      };
    },
    ids() {
      const context = current.getStore()?.spanContext();
      return context && { traceId: context.traceId, spanId: context.spanId };
    },
    close: () => provider.shutdown(),
  };
}

async function createExporter({
  endpoint,
  file,
}: TracingOptions): Promise<import('@opentelemetry/sdk-trace-base').SpanExporter> {
  if (file !== undefined) {
    const { JsonLinesExporter } = await import('./json-lines-exporter.js');
    return new JsonLinesExporter(file);
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  return new OTLPTraceExporter(endpoint === undefined ? {} : { url: endpoint });
}

function recordWrite(
  tracer: Tracer,
  parent: Context,
  contextOf: (span: Span) => Context,
  { proposedMs, appendedMs, syncedMs, committedMs, appliedMs }: WriteStations,
): void {
  const write = tracer.startSpan('raft.write', { startTime: proposedMs }, parent);
  const within = contextOf(write);
  const station = (name: string, startTime: number, endTime: number): void =>
    tracer.startSpan(name, { startTime }, within).end(endTime);
  station('raft.propose', proposedMs, appendedMs);
  if (syncedMs !== undefined) station('raft.fsync', appendedMs, syncedMs);
  station('raft.commit', appendedMs, committedMs);
  station('raft.apply', committedMs, appliedMs);
  write.end(appliedMs);
}

/** https://www.w3.org/TR/trace-context/#traceparent-header; undefined for anything else. */
function remoteParent(
  header: string | undefined,
): { traceId: string; spanId: string; traceFlags: number; isRemote: true } | undefined {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header ?? '');
  const [, traceId = '', spanId = '', flags = ''] = match ?? [];
  if (match === null || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

/** The path without names, so that spans of one kind have one name. */
function routeOf(path: string): string {
  const [, root, ...rest] = path.split('/');
  if (root !== 'api' && root !== 'apis') return path.length > 64 ? `/${root}` : path;
  const groupVersion = rest.splice(0, root === 'api' ? 1 : 2);
  const isNamespaced = rest[0] === 'namespaces' && rest.length > 2;
  const scope = isNamespaced ? ['namespaces', '{namespace}'] : [];
  const [resource, name, ...subresource] = isNamespaced ? rest.slice(2) : rest;
  const parts = [root, ...groupVersion, ...scope, resource, name && '{name}', ...subresource];
  return `/${parts.filter((part) => part !== undefined && part !== '').join('/')}`;
}
