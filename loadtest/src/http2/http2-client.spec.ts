import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateAuthority, issueCertificate } from '#libs/pki';
import type { Tls } from './connection.js';
import { Http2Client } from './http2-client.js';

let server: Http2SecureServer;
let tls: Tls;
let url: string;
const sessions: { close(): void; destroy(): void }[] = [];

/** Answers with the status and the number of bytes that the path names; `/echo` sends the body back. */
function answer(stream: ServerHttp2Stream, path: string): void {
  const [, what, status, bytes] = path.split('/');
  if (what === 'echo') {
    stream.respond({ ':status': 201 });
    stream.pipe(stream);
  } else if (what === 'reset') stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else if (what === 'silence') stream.on('error', () => {});
  else {
    stream.respond({ ':status': Number(status), 'x-long': 'y'.repeat(20_000) });
    stream.end(Buffer.alloc(Number(bytes), 'z'));
  }
}

beforeAll(async () => {
  const authority = await createCertificateAuthority('test-ca');
  const serving = await issueCertificate(authority, {
    commonName: 'localhost',
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
  });
  const client = await issueCertificate(authority, { commonName: 'alice', usages: ['client'] });
  tls = { ca: authority.certificate, cert: client.certificate, key: client.privateKey };
  server = createSecureServer({
    key: serving.privateKey,
    cert: serving.certificate,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    answer(stream, headers[':path'] ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  for (const session of sessions) session.destroy();
  await new Promise((resolve) => server.close(resolve));
});

async function withClient<T>(work: (client: Http2Client) => Promise<T>): Promise<T> {
  const client = new Http2Client(url, tls);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

describe('a client for load', () => {
  it.each([200, 201, 204, 304, 400, 403, 404, 409, 422, 429, 500, 504])('reads status %i', async (status) => {
    const reply = await withClient(async (client) => client.request('GET', `/answer/${status}/0`));
    expect(reply.status).toBe(status);
  });

  it('reads a large answer whole, and many at once', async () => {
    await withClient(async (client) => {
      const sizes = [0, 1, 16_384, 16_385, 5_000_000];
      const replies = await Promise.all(sizes.map(async (n) => client.request('GET', `/answer/200/${n}`)));
      expect(replies.map(({ body }) => body.length)).toEqual(sizes);
    });
  });

  it('sends bodies beyond what the server takes at once', async () => {
    await withClient(async (client) => {
      const bodies = [10, 70_000, 1_000_000].map((n) => Buffer.alloc(n, `${n}`));
      const replies = await Promise.all(bodies.map(async (body) => client.request('POST', '/echo', body)));
      expect(replies.map(({ status }) => status)).toEqual([201, 201, 201]);
      expect(replies.map(({ body }, i) => body.equals(bodies[i] as Buffer))).toEqual([true, true, true]);
    });
  });

  it('gives up a request that is not answered in time, and only that one', async () => {
    await withClient(async (client) => {
      await expect(client.request('GET', '/silence', undefined, { timeoutMs: 50 })).rejects.toThrow(
        'in time',
      );
      expect((await client.request('GET', '/answer/200/1')).status).toBe(200);
    });
  });

  it('says that the server reset a stream', async () => {
    await withClient(async (client) => {
      await expect(client.request('GET', '/reset')).rejects.toThrow('reset');
    });
  });

  it('fails what is under way when the connection breaks, and connects again for the next', async () => {
    await withClient(async (client) => {
      expect((await client.request('GET', '/answer/200/1')).status).toBe(200);
      const cut = client.request('GET', '/silence');
      sessions.at(-1)?.destroy();
      await expect(cut).rejects.toThrow(/closed|ECONNRESET|reset/);
      expect((await client.request('GET', '/answer/200/1')).status).toBe(200);
    });
  });
});
