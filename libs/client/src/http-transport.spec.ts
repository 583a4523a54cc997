import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConnectionError, createHttpTransport, type HttpTransport } from './http-transport.js';
import { createWatchDecoder } from './watch-decoder.js';

/** Promise.withResolvers, which Node 20 lacks. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe('HTTP transport', () => {
  let directory: string;
  let key: Buffer;
  let cert: Buffer;
  const closers: (() => unknown)[] = [];
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'client-spec-'));
    const subject = '-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1';
    const kind = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1';
    const files = `-keyout ${join(directory, 'key.pem')} -out ${join(directory, 'cert.pem')}`;
    execFileSync('openssl', `req ${kind} ${subject} ${files}`.split(' '), { stdio: 'ignore' });
    key = readFileSync(join(directory, 'key.pem'));
    cert = readFileSync(join(directory, 'cert.pem'));
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const listen = async (server: Server | Http2SecureServer): Promise<number> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const connect = (options: Parameters<typeof createHttpTransport>[0]): HttpTransport => {
    const transport = createHttpTransport(options);
    closers.unshift(() => transport.close());
    return transport;
  };

  it('speaks HTTP/2 where offered, sends query, body and token, and decodes the answer', async () => {
    const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(201, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({
            version: request.httpVersion,
            url: request.url,
            type: request.headers['content-type'],
            authorization: request.headers['authorization'],
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
    });
    const port = await listen(server);
    const transport = connect({
      server: `https://127.0.0.1:${port}`,
      ca: cert,
      http2: true,
      token: () => 'secret',
    });
    const answer = await transport.request({
      method: 'PATCH',
      path: '/api/v1/pods',
      query: { limit: '5', absent: undefined },
      body: { a: 'ü' },
      contentType: 'application/merge-patch+json',
    });
    expect(answer).toEqual({
      status: 201,
      body: {
        version: '2.0',
        url: '/api/v1/pods?limit=5',
        type: 'application/merge-patch+json',
        authorization: 'Bearer secret',
        body: '{"a":"ü"}',
      },
    });
    const many = await Promise.all(
      Array.from({ length: 300 }, () => transport.request({ method: 'GET', path: '/x' })),
    );
    expect(many.every((each) => each.status === 201)).toBe(true);
  });

  it('refuses a server whose certificate the given authority did not sign', async () => {
    const port = await listen(createSecureServer({ key, cert }, (_request, response) => response.end('{}')));
    const transport = connect({ server: `https://127.0.0.1:${port}` });
    await expect(transport.request({ method: 'GET', path: '/' })).rejects.toThrow(ConnectionError);
  });

  it('turns a Status answer into the ApiError that it stands for', async () => {
    const port = await listen(
      createHttpServer((_request, response) => {
        response.writeHead(409, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({
            kind: 'Status',
            reason: 'AlreadyExists',
            code: 409,
            message: 'pods "a" already exists',
          }),
        );
      }),
    );
    const transport = connect({ server: `http://127.0.0.1:${port}` });
    await expect(transport.request({ method: 'POST', path: '/api/v1/pods', body: {} })).rejects.toMatchObject(
      {
        name: 'ApiError',
        reason: 'AlreadyExists',
        code: 409,
        message: 'pods "a" already exists',
      },
    );
  });

  it('gives up on a server that does not answer in time', async () => {
    const port = await listen(createHttpServer(() => undefined));
    const transport = connect({ server: `http://127.0.0.1:${port}`, timeoutMs: 50 });
    await expect(transport.request({ method: 'GET', path: '/' })).rejects.toMatchObject({
      reason: 'Timeout',
    });
  });

  it('moves on from a server that is down, and stays with the one that answers', async () => {
    const down = createHttpServer();
    const downPort = await listen(down);
    await new Promise((resolve) => down.close(resolve));
    let served = 0;
    const port = await listen(
      createHttpServer((_request, response) => {
        served++;
        response.end('ok');
      }),
    );
    const transport = connect({ server: [`http://127.0.0.1:${downPort}`, `http://127.0.0.1:${port}`] });
    expect((await transport.request({ method: 'POST', path: '/', body: {} })).body).toBe('ok');
    await transport.request({ method: 'GET', path: '/' });
    expect(served).toBe(2);
  });

  it('does not repeat a write whose connection broke after it was sent; repeats a read', async () => {
    let broken = 0;
    const first = await listen(
      createHttpServer((request) => {
        broken++;
        request.socket.destroy();
      }),
    );
    let writes = 0;
    const second = await listen(
      createHttpServer((request, response) => {
        if (request.method === 'POST') writes++;
        response.end('ok');
      }),
    );
    const server = [`http://127.0.0.1:${first}`, `http://127.0.0.1:${second}`];
    await expect(connect({ server }).request({ method: 'POST', path: '/', body: {} })).rejects.toMatchObject({
      name: 'ConnectionError',
      sent: true,
    });
    expect(writes).toBe(0);
    expect((await connect({ server }).request({ method: 'GET', path: '/' })).body).toBe('ok');
    expect(broken).toBe(2);
  });

  it.each([true, false])(
    'delivers watch frames in order, and the break of a watch (HTTP/2: %s)',
    async (http2) => {
      const frames = Array.from({ length: 50 }, (_, at) => ({
        type: 'ADDED',
        object: { at, text: 'ä'.repeat(at) },
      }));
      const hangUp = deferred<void>();
      const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const bytes = Buffer.from(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
        for (let at = 0; at < bytes.length; at += 17) response.write(bytes.subarray(at, at + 17));
        void hangUp.promise.then(() => request.socket.destroy());
      });
      const port = await listen(server);
      const transport = connect({ server: `https://127.0.0.1:${port}`, ca: cert, http2 });
      const seen: unknown[] = [];
      const ended = deferred<Error | undefined>();
      await transport.watch(
        { method: 'GET', path: '/api/v1/pods', query: { watch: 'true' } },
        {
          onEvent: (type, object) => {
            seen.push({ type, object });
            if (seen.length === frames.length) hangUp.resolve();
          },
          onEnd: ended.resolve,
        },
      );
      // Over HTTP/2 a broken session ends its streams without a word; either way the watch ends.
      const error = await ended.promise;
      if (!http2) expect(error).toBeInstanceOf(ConnectionError);
      expect(seen).toEqual(frames);
    },
  );

  it('does not take a body that broke off for an answer, and reconnects for the next request', async () => {
    let requests = 0;
    const server = createSecureServer({ key, cert }, (_request, response) => {
      const headers = { 'content-type': 'application/json' };
      if (++requests > 1) return response.writeHead(200, headers).end('{"ok":true}');
      response.stream.respond({ ':status': 200, ...headers });
      setImmediate(() => response.stream.session?.destroy());
    });
    const port = await listen(server);
    const transport = connect({ server: `https://127.0.0.1:${port}`, ca: cert, http2: true });
    await expect(transport.request({ method: 'PUT', path: '/', body: {} })).rejects.toThrow(ConnectionError);
    expect((await transport.request({ method: 'GET', path: '/' })).body).toEqual({ ok: true });
  });

  it('opens more watches than one HTTP/2 session has streams for, and requests beside them', async () => {
    let open = 0;
    const server = createSecureServer(
      { key, cert, allowHTTP1: true, settings: { maxConcurrentStreams: 100 } },
      (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        if (request.url === '/unary') return response.end('{}');
        open++;
        response.write('{"type":"ADDED","object":{}}\n');
      },
    );
    const port = await listen(server);
    const transport = connect({ server: `https://127.0.0.1:${port}`, ca: cert });
    let events = 0;
    const all = deferred<void>();
    const watches = await Promise.all(
      Array.from({ length: 250 }, () =>
        transport.watch(
          { method: 'GET', path: '/watch' },
          { onEvent: () => ++events === 250 && all.resolve(), onEnd: () => undefined },
        ),
      ),
    );
    await all.promise;
    expect(open).toBe(250);
    expect((await transport.request({ method: 'GET', path: '/unary' })).body).toEqual({});
    for (const watch of watches) watch.close();
  });

  it('closes a watch without an error, and tells the server', async () => {
    const gone = deferred<void>();
    const port = await listen(
      createHttpServer((_request, response) => {
        response.on('close', gone.resolve);
        response.writeHead(200).flushHeaders();
      }),
    );
    const ended = deferred<Error | undefined>();
    const watch = await connect({ server: `http://127.0.0.1:${port}` }).watch(
      { method: 'GET', path: '/' },
      { onEvent: () => undefined, onEnd: ended.resolve },
    );
    watch.close();
    expect(await ended.promise).toBeUndefined();
    await gone.promise;
  });

  it('cuts a watch whose frame passes the bound', () => {
    const decoder = createWatchDecoder(() => undefined, 100);
    decoder.push(Buffer.alloc(60, 0x20));
    expect(() => decoder.push(Buffer.alloc(60, 0x20))).toThrow(RangeError);
  });
});
