/**
 * The loopback listener of `trireme dashboard`: lets a browser, which has no client certificate, see the dashboard of
 * whichever master answers, with the rights of a kubeconfig. Only paths under /dashboard/ pass. Whoever else is on this machine,
 * and any web page that the browser has open, is kept out: a secret that is printed once becomes a cookie that other sites
 * cannot use, and the Host header must be this listener's own.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Masters, type Access, type Call } from './masters.js';

export interface ListenerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Base URLs of masters or of a balancer, best first. */
  readonly candidates: () => readonly string[];
  /** With whose rights; asked for anew with each request. */
  readonly access: () => Access;
}

export interface Listener {
  /** To be opened in a browser; holds the secret. */
  readonly url: string;
  close(): Promise<void>;
}

const bodyBytesMax = 64 * 1024;
/** A stream without a byte for this long belongs to a master that does not answer: frames come each half second. */
const silenceMs = 1_000;
const passedOn = ['accept', 'content-type', 'x-trireme-dashboard'] as const;
const notPassedBack = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date']);

/** Rejects where the port cannot be had. */
export async function openListener({ port, candidates, access }: ListenerOptions): Promise<Listener> {
  const secret = randomBytes(24).toString('base64url');
  const masters = new Masters(candidates, access);
  const server = createServer((request, response) => {
    serve({ request, response, masters, secret, port: portOf(server) }).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else refuse(response, 502, `no master answers: ${(error as Error).message}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, resolve);
  });
  return {
    url: `http://127.0.0.1:${portOf(server)}/?token=${secret}`,
    close: async () => {
      masters.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly masters: Masters;
  readonly secret: string;
  readonly port: number;
}

async function serve(exchange: Exchange): Promise<void> {
  const { request, response, masters, secret, port } = exchange;
  const { method = 'GET', headers } = request;
  const own = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!own.includes(headers.host ?? '')) return refuse(response, 421, 'this listener has another name');
  const url = new URL(request.url ?? '/', `http://${headers.host}`);
  const cookie = `trireme-dashboard-${port}`;
  if (url.pathname === '/' && sameSecret(url.searchParams.get('token'), secret)) {
    response.writeHead(303, {
      location: '/dashboard/',
      'set-cookie': `${cookie}=${secret}; Path=/; HttpOnly; SameSite=Strict`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    return void response.end();
  }
  if (!sameSecret(cookieOf(headers.cookie, cookie), secret))
    return refuse(response, 401, 'open the URL that `trireme dashboard` has printed');
  if (url.pathname !== '/dashboard' && !url.pathname.startsWith('/dashboard/'))
    return refuse(response, 404, 'only the dashboard is here: /dashboard/');
  if (method !== 'GET' && !fromOwnPage(request, own)) return refuse(response, 403, 'not from the own page');
  const call: Call = {
    method,
    path: url.pathname,
    headers: Object.fromEntries(
      passedOn.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])),
    ),
    ...(method === 'GET' ? {} : { body: await bodyOf(request) }),
    timeoutMs: url.pathname.endsWith('/faults') ? 20_000 : 2_500,
  };
  const answer = await masters.call(call);
  await passBack(answer, response, masters);
}

async function passBack(
  answer: { readonly url: string; readonly response: IncomingMessage },
  response: ServerResponse,
  masters: Masters,
): Promise<void> {
  const { headers, statusCode = 502 } = answer.response;
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !notPassedBack.has(name),
  );
  response.writeHead(statusCode, Object.fromEntries(kept) as Record<string, string>);
  response.flushHeaders();
  let heardAt = performance.now();
  answer.response.on('data', () => (heardAt = performance.now()));
  await new Promise<void>((done) => {
    answer.response.on('error', () => {
      // The end of a stream that its client has left.
      if (response.destroyed) return;
      masters.avoid(answer.url);
      // A stream of lines just ends: the page goes on with another master. A file that is cut off must be seen to be.
      if (headers['content-length'] === undefined) response.end();
      else response.destroy();
    });
    response.on('error', () => answer.response.destroy());
    response.on('close', () => {
      // The client has left; if because it was told nothing any more, another master is asked next time.
      if (!response.writableEnded && performance.now() - heardAt > silenceMs) masters.avoid(answer.url);
      answer.response.destroy();
      done();
    });
    answer.response.pipe(response);
  });
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(`${text}\n`);
}

function sameSecret(given: string | null | undefined, secret: string): boolean {
  if (given === null || given === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  const found = header?.split('; ').find((part) => part.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

function fromOwnPage({ headers }: IncomingMessage, own: readonly string[]): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  return headers.origin === undefined || own.some((host) => headers.origin === `http://${host}`);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > bodyBytesMax) throw new Error('the body is too long');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
