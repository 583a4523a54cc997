import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterPki, ensureClusterPki } from '#libs/pki';
import { type Listener, openListener } from './listener.js';
import type { Access } from './masters.js';

let directory: string;
let pki: ClusterPki;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-listener-'));
  pki = await ensureClusterPki(directory, { masters: ['m1'] });
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A master that answers with its name, the path and who asked; what it must not get fails the test by its text. */
async function master(
  name: string,
  behave: 'answer' | 'break' = 'answer',
  { masters, ca } = pki,
): Promise<{ url: string; server: Server }> {
  const { serving } = masters['m1']!;
  const server = createServer(
    {
      key: serving.privateKey,
      cert: serving.certificate,
      ca: ca.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (incoming, response) => {
      const asked = (
        incoming.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }
      ).getPeerCertificate().subject.CN;
      response.writeHead(200, { 'x-asked-by': asked });
      response.write(`${name} ${incoming.method} ${incoming.url}\n`);
      if (behave === 'break') setImmediate(() => incoming.socket.destroy());
      else response.end();
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => server.closeAllConnections() }, server);
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const accessOf = ({ ca, admin }: ClusterPki): Access => ({
  ca: ca.certificate,
  cert: admin.certificate,
  key: admin.privateKey,
});

async function listener(...candidates: readonly string[]): Promise<Listener> {
  return listenerWith(() => accessOf(pki), candidates);
}

async function listenerWith(access: () => Access, candidates: readonly string[]): Promise<Listener> {
  const made = await openListener({ port: 0, candidates: () => candidates, access });
  open.push(made);
  return made;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

async function ask(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    sent.on('error', reject).end(body);
  });
}

/** Opens the printed URL as a browser would, and returns the cookie. */
async function enter(opened: Listener): Promise<{ base: string; cookie: string }> {
  const answer = await ask(opened.url);
  expect(answer.status).toBe(303);
  expect(answer.headers['location']).toBe('/dashboard/');
  const [set] = answer.headers['set-cookie'] as string[];
  expect(set).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
  return { base: new URL(opened.url).origin, cookie: set!.split(';')[0]! };
}

describe('the loopback listener', () => {
  it("passes the dashboard's paths to a master, with the kubeconfig's certificate", async () => {
    const opened = await listener((await master('m1')).url);
    const { base, cookie } = await enter(opened);
    const answer = await ask(`${base}/dashboard/stream`, { cookie });
    expect(answer).toMatchObject({ status: 200, text: 'm1 GET /dashboard/stream\n' });
    expect(answer.headers['x-asked-by']).toBe('kubernetes-admin');
  });

  it('passes nothing else: not the API, not by another spelling of the path', async () => {
    const opened = await listener((await master('m1')).url);
    const { base, cookie } = await enter(opened);
    for (const path of ['/api/v1/secrets', '/dashboard/../api/v1/secrets', '/dashboard/%2e%2e/api', '/'])
      expect((await ask(`${base}${path}`, { cookie })).status).toBe(404);
  });

  it('refuses without its secret, under another name, and from another page', async () => {
    const opened = await listener((await master('m1')).url);
    const { base, cookie } = await enter(opened);
    expect((await ask(`${base}/dashboard/`)).status).toBe(401);
    expect((await ask(`${base}/?token=guess`)).status).toBe(401);
    expect((await ask(`${base}/dashboard/`, { cookie: `${cookie}x` })).status).toBe(401);
    expect((await ask(`${base}/dashboard/`, { cookie, host: 'evil.example' })).status).toBe(421);
    const post = (headers: Record<string, string>): Promise<Answer> =>
      ask(`${base}/dashboard/faults`, { cookie, ...headers }, 'POST', '{}');
    expect((await post({ origin: 'http://evil.example' })).status).toBe(403);
    expect((await post({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await post({ origin: base })).status).toBe(200);
  });

  it('asks the next master when one is gone, and stays with the one that answers', async () => {
    const dead = await master('dead');
    dead.server.close();
    const alive = await master('alive');
    const { base, cookie } = await enter(await listener(dead.url, alive.url));
    for (let i = 0; i < 3; i++)
      expect((await ask(`${base}/dashboard/`, { cookie })).text).toBe('alive GET /dashboard/\n');
  });

  it('ends a stream with the master that breaks off, and asks another the next time', async () => {
    const breaking = await master('breaking', 'break');
    const alive = await master('alive');
    const { base, cookie } = await enter(await listener(breaking.url, alive.url));
    expect((await ask(`${base}/dashboard/stream`, { cookie })).text).toBe('breaking GET /dashboard/stream\n');
    expect((await ask(`${base}/dashboard/stream`, { cookie })).text).toBe('alive GET /dashboard/stream\n');
  });

  it('leaves a stream alone that goes on while another request to the same master fails', async () => {
    let endStream: (() => void) | undefined;
    const { serving } = pki.masters['m1']!;
    const server = createServer(
      { key: serving.privateKey, cert: serving.certificate },
      (incoming, response) => {
        if (incoming.url === '/dashboard/faults') return void incoming.socket.destroy();
        response.write('first\n');
        endStream = () => void response.end('last\n');
        return undefined;
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(server);
    const { base, cookie } = await enter(
      await listener(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
    const stream = ask(`${base}/dashboard/stream`, { cookie });
    await expect.poll(() => endStream, { timeout: 10_000 }).toBeDefined();
    const failed = await ask(`${base}/dashboard/faults`, { cookie, origin: base }, 'POST', '{}');
    expect(failed.status).toBe(502);
    endStream?.();
    expect((await stream).text).toBe('first\nlast\n');
  });

  it('goes on with the certificates that the kubeconfig holds now', async () => {
    const other = mkdtempSync(join(tmpdir(), 'trireme-listener-'));
    open.push({ close: () => rmSync(other, { recursive: true, force: true }) });
    const next = await ensureClusterPki(other, { masters: ['m1'] });
    const [old, moved] = [await master('old'), await master('moved', 'answer', next)];
    let access = accessOf(pki);
    const { base, cookie } = await enter(await listenerWith(() => access, [moved.url, old.url]));
    expect((await ask(`${base}/dashboard/`, { cookie })).text).toBe('old GET /dashboard/\n');
    access = accessOf(next);
    expect((await ask(`${base}/dashboard/`, { cookie })).text).toBe('moved GET /dashboard/\n');
  });

  it('says so when no master answers', async () => {
    const dead = await master('dead');
    dead.server.close();
    const { base, cookie } = await enter(await listener(dead.url));
    const answer = await ask(`${base}/dashboard/`, { cookie });
    expect(answer.status).toBe(502);
    expect(answer.text).toMatch(/no master answers: .*ECONNREFUSED/);
  });
});
