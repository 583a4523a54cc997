import { once } from 'node:events';
import { connect, type ClientHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { request as httpsRequest, Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesObject, Status } from '#libs/apimachinery';
import { createCertificateAuthority, issueCertificate, type KeyPair } from '#libs/pki';
import type { Authenticator } from '../authn.js';
import { TestServer } from '../testing/test-server.js';
import { apiServerFactory, registerApi } from './register.js';
import { bodyBytesMax } from './read-body.js';

let api: TestServer;
let fastify: FastifyInstance;
let authority: KeyPair;
let client: KeyPair;
let port = 0;
let session: ClientHttp2Session;

/** The certificate's subject or the token `good`; everything else is nobody, the token `bad` is refused by the spec below. */
const authenticator: Authenticator = {
  authenticate: ({ peerCertificate, authorization }) => {
    if (peerCertificate !== undefined)
      return { username: peerCertificate.commonName, groups: [...peerCertificate.organizations] };
    return authorization === 'Bearer good' ? { username: 'token', groups: [] } : undefined;
  },
};

beforeAll(async () => {
  api = new TestServer();
  await api.namespace('default');
  authority = await createCertificateAuthority('test-ca');
  const serving = await issueCertificate(authority, {
    commonName: 'localhost',
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
  });
  client = await issueCertificate(authority, {
    commonName: 'alice',
    organizations: ['system:masters'],
    usages: ['client'],
  });
  const options = { handle: api.server.handle, authenticator };
  const tls = { key: serving.privateKey, cert: serving.certificate, ca: authority.certificate };
  const serverFactory = apiServerFactory({ tls, api: () => options });
  fastify = Fastify({ serverFactory: serverFactory as never }) as unknown as FastifyInstance;
  fastify.get('/own', () => ({ own: true }));
  await registerApi(fastify, options);
  await fastify.listen({ port: 0, host: '127.0.0.1' });
  port = (fastify.server.address() as AddressInfo).port;
  session = connect(`https://127.0.0.1:${port}`, {
    ca: authority.certificate,
    cert: client.certificate,
    key: client.privateKey,
  });
});

afterAll(async () => {
  // A watch and a session are still open: closing ends them rather than wait for them.
  const watch = session.request({ ':path': `${configMaps}?watch=true` });
  const ended = new Promise((resolve) => watch.once('end', resolve));
  watch.resume();
  await new Promise((resolve) => watch.once('response', resolve));
  api.server.close();
  await Promise.all([fastify.close(), ended]);
  await api.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

type Send = (
  method: string,
  path: string,
  body?: string | Buffer,
  headers?: Record<string, string>,
) => Promise<Answer>;

const http2: Send = (method, path, body, headers = {}) =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    const chunks: Buffer[] = [];
    let answered: Record<string, string | undefined> = {};
    stream.on('response', (fields) => (answered = fields as typeof answered));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () =>
      resolve({ status: Number(answered[':status']), headers: answered, body: Buffer.concat(chunks) }),
    );
    stream.on('error', reject);
    stream.end(body);
  });

const http1With =
  (certificate: boolean): Send =>
  (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const agent = new Agent({
        ca: authority.certificate,
        ...(certificate ? { cert: client.certificate, key: client.privateKey } : {}),
      });
      const request = httpsRequest({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          agent.destroy();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Answer['headers'],
            body: Buffer.concat(chunks),
          });
        });
      });
      request.on('error', reject);
      request.end(body);
    });

const http1 = http1With(true);
const stranger = http1With(false);
const json = <T = Status>(answer: Answer): T => JSON.parse(answer.body.toString('utf8')) as T;
const configMaps = '/api/v1/namespaces/default/configmaps';

describe.each([
  ['HTTP/2', http2],
  ['HTTP/1.1', http1],
])('over %s', (version, send) => {
  const name = version.replace(/\W/g, '').toLowerCase();

  it('creates, reads and deletes, by the certificate of the client', async () => {
    const created = await send('POST', configMaps, JSON.stringify({ metadata: { name } }), {
      'content-type': 'application/json',
    });
    expect(created.status).toBe(201);
    expect(created.headers['content-type']).toBe('application/json');
    const got = await send('GET', `${configMaps}/${name}`);
    expect(json(got)).toEqual(json(created));
    expect(Number(got.headers['content-length'])).toBe(got.body.length);
    expect((await send('DELETE', `${configMaps}/${name}`)).status).toBe(200);
    expect(json(await send('GET', `${configMaps}/${name}`))).toMatchObject({ code: 404, reason: 'NotFound' });
  });

  it('refuses a body beyond 3 MiB', async () => {
    const answer = await send('POST', configMaps, Buffer.alloc(bodyBytesMax + 1, 0x20), {
      'content-type': 'application/json',
      'content-length': String(bodyBytesMax + 1),
    });
    expect(json(answer)).toMatchObject({
      code: 413,
      reason: 'RequestEntityTooLarge',
      message: `Request entity too large: limit is ${bodyBytesMax}`,
    });
  });

  it('says what is wrong with JSON that is none', async () => {
    const answer = await send('POST', configMaps, '{"metadata":', { 'content-type': 'application/json' });
    expect(json(answer)).toMatchObject({ kind: 'Status', code: 400, reason: 'BadRequest' });
    expect(answer.body.toString()).not.toContain('    at ');
  });

  it('compresses large answers for those who take it', async () => {
    const data = { text: 'x'.repeat(200_000) };
    await send('POST', configMaps, JSON.stringify({ metadata: { name: `${name}-large` }, data }), {
      'content-type': 'application/json',
    });
    const answer = await send('GET', configMaps, undefined, { 'accept-encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    const list = JSON.parse(gunzipSync(answer.body).toString('utf8')) as { items: KubernetesObject[] };
    expect(list.items.at(-1)!['data']).toEqual(data);
    await send('DELETE', `${configMaps}/${name}-large`);
  });

  it('leaves other routes of the application alone', async () => {
    expect(json(await send('GET', '/own'))).toEqual({ own: true });
  });

  it('answers 404 as a Status for what nobody serves', async () => {
    expect(json(await send('GET', '/apis/nowhere.example/v1/things'))).toMatchObject({
      kind: 'Status',
      code: 404,
      message: 'the server could not find the requested resource',
    });
  });
});

it('lets go of every HTTP/2 stream once it is answered', async () => {
  const closed: Promise<unknown>[] = [];
  const onStream = (stream: ServerHttp2Stream): void => void closed.push(once(stream, 'close'));
  fastify.server.on('stream', onStream as never);
  const body = JSON.stringify({ metadata: { name: 'released' } });
  const fields = { 'content-type': 'application/json', 'content-length': String(body.length) };
  expect((await http2('POST', configMaps, body, fields)).status).toBe(201);
  expect((await http2('GET', `${configMaps}/released`)).status).toBe(200);
  expect((await http2('GET', `${configMaps}/nothing`)).status).toBe(404);
  expect((await http2('DELETE', `${configMaps}/released`)).status).toBe(200);
  await Promise.all(closed);
  fastify.server.off('stream', onStream as never);
  expect(closed).toHaveLength(4);
});

it('streams a watch and stops it when the client goes', async () => {
  const stream = session.request({
    ':path': `${configMaps}?watch=true&resourceVersion=${api.storage.revision}`,
  });
  let text = '';
  const first = new Promise<void>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.split('\n').length > 2) resolve();
    });
  });
  await new Promise((resolve) => stream.once('response', resolve));
  expect(api.server.watchers().get('configmaps')).toBe(1);
  await http2('POST', configMaps, '{"metadata":{"name":"w1"}}');
  await http2('POST', configMaps, '{"metadata":{"name":"w2"}}');
  await first;
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; object: KubernetesObject });
  expect(events.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
    'ADDED w1',
    'ADDED w2',
  ]);
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.close();
  await closed;
  await expect.poll(() => api.server.watchers().get('configmaps')).toBe(0);
});

it('answers 401 without credentials, 200 with a token', async () => {
  expect(json(await stranger('GET', configMaps))).toMatchObject({ code: 401, reason: 'Unauthorized' });
  const answer = await stranger('GET', configMaps, undefined, { authorization: 'Bearer good' });
  expect(answer.status).toBe(200);
});
