import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Api, configMap } from './support/api.js';
import { eventually, TestCluster } from './support/cluster.js';

/** Requests followed through Raft on every master, and log lines that name the request and its trace. */

const folder = mkdtempSync(join(tmpdir(), 'trireme-traces-'));
const file = join(folder, 'spans.jsonl');
let cluster: TestCluster;

beforeAll(async () => {
  // Only what a caller asks for by its trace context.
  vi.stubEnv('TRIREME_MASTER_TRACING', JSON.stringify({ file, sampleRatio: 0 }));
  vi.stubEnv('TRIREME_LOG_LEVEL', 'debug');
  cluster = await TestCluster.start({ nodes: 0 });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await cluster.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
}

const linesOf = <T>(path: string): T[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T);

it.each(['master-1', 'master-2', 'master-3'])('follows a write that %s takes', async (master) => {
  const traceId = `${master.at(-1)}`.repeat(32);
  const api = Api.of(cluster, { server: cluster.server(master) });
  const reply = await api.call('POST', '/api/v1/namespaces/default/configmaps', {
    body: configMap(`traced-${master}`),
    headers: { traceparent: `00-${traceId}-00000000000000aa-01`, 'audit-id': `asked-of-${master}` },
  });
  expect(reply.status).toBe(201);
  const spans = await eventually('its spans are written', async () => {
    const own = existsSync(file) ? linesOf<Span>(file).filter((span) => span.traceId === traceId) : [];
    return own.some(({ parentSpanId }) => parentSpanId === '00000000000000aa') && own;
  });
  const request = spans.find(({ name }) => name === 'POST /api/v1/namespaces/{namespace}/configmaps')!;
  const write = spans.find(({ name }) => name === 'raft.write')!;
  expect(write.parentSpanId).toBe(request.spanId);
  const station = (name: string): Span =>
    spans.find((span) => span.name === name && span.parentSpanId === write.spanId)!;
  const end = ({ startMs, durationMs }: Span): number => startMs + durationMs;
  // Clocks of threads agree to some microseconds.
  const slackMs = 1;
  expect(station('raft.propose').startMs).toBeGreaterThanOrEqual(request.startMs - slackMs);
  expect(end(station('raft.propose'))).toBeLessThanOrEqual(station('raft.commit').startMs + slackMs);
  expect(end(station('raft.commit'))).toBeLessThanOrEqual(station('raft.apply').startMs + slackMs);
  expect(end(station('raft.apply'))).toBeLessThanOrEqual(end(request) + slackMs);
  expect(station('raft.commit').durationMs).toBeGreaterThan(0);

  interface LogLine {
    readonly message: string;
    readonly requestId?: string;
  }
  const logged = await eventually('the request is logged', async () =>
    linesOf<LogLine>(join(cluster.dataDir, 'logs', `${master}.log`)).find(
      ({ requestId }) => requestId === `asked-of-${master}`,
    ),
  );
  expect(logged).toMatchObject({ level: 'debug', message: 'request', traceId, spanId: request.spanId });
  api.close();
});
