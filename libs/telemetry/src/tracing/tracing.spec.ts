import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTracing, type Tracing } from './tracing.js';

interface Line {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly status: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const path = '/apis/apps/v1/namespaces/shop/deployments/web';
const stations = {
  proposedMs: 1_000_000,
  appendedMs: 1_000_000.5,
  syncedMs: 1_000_002,
  committedMs: 1_000_003,
  appliedMs: 1_000_003.25,
};
let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-traces-'));
  file = join(directory, 'spans.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const start = async (sampleRatio: number): Promise<Tracing> =>
  startTracing({ instance: 'm1', cluster: 'c', file, sampleRatio });
const lines = (): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
const ok = (status: number): number => status;

describe('tracing', () => {
  it('follows a request through its write, station by station', async () => {
    const tracing = await start(1);
    let seen: ReturnType<Tracing['ids']>;
    await tracing.request(
      { method: 'PUT', path },
      async () => {
        seen = tracing.ids();
        tracing.write()?.applied(stations);
        return 200;
      },
      ok,
    );
    await tracing.close();
    const spans = lines();
    const find = (name: string): Line => spans.find((span) => span.name === name)!;
    const request = find('PUT /apis/apps/v1/namespaces/{namespace}/deployments/{name}');
    const write = find('raft.write');
    expect(request.attributes).toMatchObject({ 'url.path': path, 'http.response.status_code': 200 });
    expect(seen).toEqual({ traceId: request.traceId, spanId: request.spanId });
    expect(write).toMatchObject({ traceId: request.traceId, parentSpanId: request.spanId });
    const parts = ['raft.propose', 'raft.fsync', 'raft.commit', 'raft.apply'].map(find);
    expect(parts.every(({ parentSpanId }) => parentSpanId === write.spanId)).toBe(true);
    expect(parts.map(({ durationMs }) => durationMs)).toEqual([0.5, 1.5, 2.5, 0.25]);
    expect(parts.map(({ startMs }) => startMs - 1_000_000)).toEqual([0, 0.5, 0.5, 3]);
  });

  it('joins the trace of its caller, and leaves alone what is not sampled', async () => {
    const tracing = await start(0);
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const asked = `00-${traceId}-b7ad6b7169203331-01`;
    const work = async (): Promise<number> => (tracing.write() === undefined ? 404 : 200);
    expect(await tracing.request({ method: 'GET', path, traceparent: asked }, work, ok)).toBe(200);
    expect(await tracing.request({ method: 'GET', path }, work, ok)).toBe(404);
    expect(await tracing.request({ method: 'GET', path, traceparent: 'garbage' }, work, ok)).toBe(404);
    await tracing.close();
    expect(lines()).toMatchObject([{ traceId, parentSpanId: 'b7ad6b7169203331' }]);
  });

  it('speaks OTLP over HTTP, and marks what failed', async () => {
    let received = '';
    const collector = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => (received += text));
      request.on('end', () => response.end('{}'));
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}/v1/traces`;
    const tracing = await startTracing({ instance: 'm1', cluster: 'c', endpoint, sampleRatio: 1 });
    await tracing.request({ method: 'GET', path: '/readyz' }, async () => 503, ok);
    await tracing.close();
    collector.closeAllConnections();
    collector.close();
    expect(received).toContain('"name":"GET /readyz"');
    expect(received).toContain('"stringValue":"trireme-master"');
    expect(received).toMatch(/"status":\{"code":2\}/);
  });
});
