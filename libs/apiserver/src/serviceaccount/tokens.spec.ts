import { generateKeyPairSync } from 'node:crypto';
import type { KubernetesObject } from '#libs/apimachinery';
import { decodeJwt, jwtVerify, createLocalJWKSet, SignJWT, type JSONWebKeySet } from 'jose';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RequestAuthenticator } from '../authn/authenticator.js';
import type { Clock } from '../clock.js';
import { storeFixture, type StoreFixture } from '../rbac/store-fixture.js';
import type { ApiRequest, UnaryResponse, UserInfo } from '../request.js';
import { storageLookup } from './object-lookup.js';
import { openidHandler } from './openid.js';
import { ServiceAccountTokenAuthenticator } from './token-authenticator.js';
import { loadTokenKeys, type TokenKeys } from './token-keys.js';
import { issueToken, type TokenIssuerOptions } from './token-request.js';
import { reviewToken } from './token-review.js';

const issuer = 'https://kubernetes.default.svc.cluster.local';
const audiences = [issuer];
const startMs = Date.parse('2026-01-01T00:00:00Z');
let keys: TokenKeys;
let nowMs: number;
let store: StoreFixture;
let options: TokenIssuerOptions;
let tokens: ServiceAccountTokenAuthenticator;
let robot: KubernetesObject;
const clock: Clock = { nowMs: () => nowMs, after: () => () => undefined };

const newKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;

beforeAll(async () => {
  keys = await loadTokenKeys({ privateKey: newKey() });
});
beforeEach(async () => {
  nowMs = startMs;
  store = storeFixture();
  const lookup = storageLookup(store.storage, store.decoded);
  options = { keys, issuer, audiences, lookup, clock };
  tokens = new ServiceAccountTokenAuthenticator({ keys, issuers: [issuer], audiences, lookup, clock });
  robot = await store.put('serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'robot', namespace: 'ci' },
  });
});

const request = (spec: object): KubernetesObject => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  metadata: {},
  spec,
});
const statusOf = (answer: KubernetesObject): { token: string; expirationTimestamp: string } =>
  answer['status'] as { token: string; expirationTimestamp: string };
const issue = async (spec: object = {}): Promise<string> =>
  statusOf(await issueToken(request(spec), robot, options)).token;
const accepted = async (token: string, forWhom?: readonly string[]): Promise<boolean> => {
  try {
    await tokens.authenticate(token, forWhom);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 401, message: 'Unauthorized' });
    return false;
  }
};
const pod = (spec: object): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ci' },
  spec: { serviceAccountName: 'robot', ...spec },
});
const boundTo = (object: KubernetesObject, uid = object.metadata.uid): object => ({
  boundObjectRef: { apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name, uid },
});

describe('a token', () => {
  it('names its service account to the API server', async () => {
    const authenticator = new RequestAuthenticator(tokens);
    const token = await issue();
    const facts = {
      peerCertificate: undefined,
      authorization: `Bearer ${token}`,
      remoteAddress: '',
      headers: {},
    };
    const user = (await authenticator.authenticate(facts)) as UserInfo;
    expect(user).toMatchObject({
      username: 'system:serviceaccount:ci:robot',
      uid: robot.metadata.uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:ci', 'system:authenticated'],
    });
    // The second time nothing is verified anew, so the answer is there at once and is the same object.
    expect(authenticator.authenticate(facts)).toBe(user);
  });

  it('carries what Kubernetes puts into one', async () => {
    await store.put('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'node-uid' } });
    const bound = await store.put('pods', pod({ nodeName: 'n1' }));
    const answer = await issueToken(request({ ...boundTo(bound), expirationSeconds: 600 }), robot, options);
    expect(statusOf(answer).expirationTimestamp).toBe('2026-01-01T00:10:00Z');
    expect(answer['spec']).toMatchObject({ audiences, expirationSeconds: 600 });
    expect(decodeJwt(statusOf(answer).token)).toMatchObject({
      iss: issuer,
      sub: 'system:serviceaccount:ci:robot',
      aud: audiences,
      iat: startMs / 1000,
      nbf: startMs / 1000,
      exp: startMs / 1000 + 600,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'kubernetes.io': {
        namespace: 'ci',
        serviceaccount: { name: 'robot', uid: robot.metadata.uid },
        pod: { name: 'p', uid: bound.metadata.uid },
        node: { name: 'n1', uid: 'node-uid' },
      },
    });
    const { user } = await tokens.authenticate(statusOf(answer).token);
    expect(user.extra).toMatchObject({
      'authentication.kubernetes.io/pod-name': ['p'],
      'authentication.kubernetes.io/node-name': ['n1'],
    });
  });

  it('ends at its expiry, also when it was accepted before', async () => {
    const token = await issue({ expirationSeconds: 600 });
    expect(await accepted(token)).toBe(true);
    nowMs += 599_000;
    expect(await accepted(token)).toBe(true);
    nowMs += 1_000;
    expect(await accepted(token)).toBe(false);
    expect(await accepted(token)).toBe(false);
  });

  it('is not accepted for the first time after its expiry, and may come from a master whose clock is ahead', async () => {
    const token = await issue({ expirationSeconds: 600 });
    nowMs += 601_000;
    expect(await accepted(token)).toBe(false);
    const fromTheFuture = await issue();
    nowMs -= 30_000;
    expect(await accepted(fromTheFuture)).toBe(true);
    const tooFar = await issue({ expirationSeconds: 700 });
    nowMs -= 300_000;
    expect(await accepted(tooFar)).toBe(false);
  });

  it('is for its audiences alone', async () => {
    const token = await issue({ audiences: ['vault', 'other'] });
    expect(await accepted(token)).toBe(false);
    expect(await accepted(token, ['vault'])).toBe(true);
    expect(await accepted(token, ['bank'])).toBe(false);
  });

  it('dies with its service account, and is not revived by a new one of that name', async () => {
    const token = await issue();
    expect(await accepted(token)).toBe(true);
    await store.remove('', 'serviceaccounts', 'ci/robot');
    expect(await accepted(token)).toBe(false);
    await store.put('serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'robot', namespace: 'ci' },
    });
    expect(await accepted(token)).toBe(false);
  });

  it('dies with its pod, and lives through changes of it', async () => {
    const bound = await store.put('pods', pod({}));
    const token = await issue(boundTo(bound));
    expect(await accepted(token)).toBe(true);
    await store.put('pods', { ...bound, status: { phase: 'Running' } });
    expect(await accepted(token)).toBe(true);
    const leaving = { ...bound, metadata: { ...bound.metadata, deletionTimestamp: '2026-01-01T00:00:30Z' } };
    await store.put('pods', leaving);
    expect(await accepted(token)).toBe(true);
    nowMs += 91_000;
    expect(await accepted(token)).toBe(false);
    await store.remove('', 'pods', 'ci/p');
    expect(await accepted(token)).toBe(false);
  });

  it('bound to a node or a secret dies with that', async () => {
    for (const [resource, object] of [
      ['nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } }],
      ['secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'ci' } }],
    ] as const) {
      const bound = await store.put(resource, object);
      const token = await issue(boundTo(bound));
      expect(await accepted(token)).toBe(true);
      await store.remove('', resource, resource === 'nodes' ? 'n' : 'ci/s');
      expect(await accepted(token)).toBe(false);
    }
  });
});

describe('a forged token', () => {
  const claims = (): Record<string, unknown> => ({
    'kubernetes.io': { namespace: 'ci', serviceaccount: { name: 'robot', uid: robot.metadata.uid } },
  });
  const sign = (
    payload: Record<string, unknown>,
    change: { issuer?: string; subject?: string; key?: TokenKeys; kid?: string } = {},
  ): Promise<string> => {
    const key = change.key ?? keys;
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', kid: change.kid ?? key.keyId })
      .setIssuer(change.issuer ?? issuer)
      .setSubject(change.subject ?? 'system:serviceaccount:ci:robot')
      .setAudience(issuer)
      .setExpirationTime(startMs / 1000 + 3600)
      .sign(key.privateKey);
  };

  it('is accepted only when all is right', async () => {
    expect(await accepted(await sign(claims()))).toBe(true);
  });

  it('of another key, issuer or subject is refused', async () => {
    const other = await loadTokenKeys({ privateKey: newKey() });
    expect(await accepted(await sign(claims(), { key: other }))).toBe(false);
    expect(await accepted(await sign(claims(), { key: other, kid: keys.keyId }))).toBe(false);
    expect(await accepted(await sign(claims(), { issuer: 'https://evil' }))).toBe(false);
    expect(await accepted(await sign(claims(), { subject: 'system:serviceaccount:kube-system:admin' }))).toBe(
      false,
    );
  });

  it('without a signature, or altered, or no token at all, is refused', async () => {
    const good = await sign(claims());
    const [header = '', payload = '', signature = ''] = good.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: keys.keyId })).toString('base64url');
    const altered = Buffer.from(
      JSON.stringify({ ...decodeJwt(good), sub: 'system:serviceaccount:a:b' }),
    ).toString('base64url');
    for (const token of [
      `${none}.${payload}.`,
      `${header}.${altered}.${signature}`,
      `${header}.${payload}.`,
      'x',
      'a.b.c',
      'a'.repeat(20_000),
    ]) {
      expect(await accepted(token)).toBe(false);
    }
  });

  it('whose binding is malformed is refused, not taken as unbound', async () => {
    const raw = claims()['kubernetes.io'] as object;
    expect(await accepted(await sign({ 'kubernetes.io': { ...raw, pod: { name: 'p' } } }))).toBe(false);
    expect(await accepted(await sign({ 'kubernetes.io': { ...raw, pod: 'p' } }))).toBe(false);
    expect(await accepted(await sign({}))).toBe(false);
  });
});

describe('a request for a token', () => {
  it('is refused outside the limits of duration, and shortened to the most that is allowed', async () => {
    await expect(issue({ expirationSeconds: 599 })).rejects.toMatchObject({
      code: 422,
      message:
        'TokenRequest.authentication.k8s.io "robot" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    });
    await expect(issue({ expirationSeconds: 2 ** 33 })).rejects.toMatchObject({ code: 422 });
    const answer = await issueToken(request({ expirationSeconds: 100_000 }), robot, {
      ...options,
      maxExpirationSeconds: 7200,
    });
    expect(statusOf(answer).expirationTimestamp).toBe('2026-01-01T02:00:00Z');
  });

  it('is refused for a reference that is not there, is another, or is of another account', async () => {
    const bound = await store.put('pods', pod({}));
    await expect(
      issue({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'ghost' } }),
    ).rejects.toMatchObject({ code: 404, message: 'pods "ghost" not found' });
    await expect(issue(boundTo(bound, 'another'))).rejects.toMatchObject({ code: 409 });
    await expect(
      issue({ boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'x' } }),
    ).rejects.toMatchObject({ code: 400 });
    await store.put('pods', pod({ serviceAccountName: 'other' }));
    await expect(
      issue({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' } }),
    ).rejects.toMatchObject({ code: 403 });
  });
});

describe('TokenReview', () => {
  const review = (spec: object): Promise<KubernetesObject> =>
    reviewToken({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec }, tokens);

  it('says whose the token is and for which of the audiences', async () => {
    const token = await issue({ audiences: ['vault', issuer] });
    expect((await review({ token, audiences: ['vault', 'bank'] }))['status']).toMatchObject({
      authenticated: true,
      user: { username: 'system:serviceaccount:ci:robot' },
      audiences: ['vault'],
    });
    expect((await review({ token }))['status']).toMatchObject({ authenticated: true, audiences: [issuer] });
  });

  it('says no without saying why, and 400 without a token', async () => {
    const status = (await review({ token: 'x.y.z' }))['status'] as Record<string, unknown>;
    expect(status).toMatchObject({ user: {}, error: expect.any(String) as string });
    expect(status['authenticated']).not.toBe(true);
    await expect(review({})).rejects.toMatchObject({ code: 400 });
  });
});

describe('OIDC discovery', () => {
  const get = (
    path: string,
  ): { headers: Readonly<Record<string, string>>; body: Record<string, unknown> } => {
    const answer = openidHandler(issuer, keys)({ method: 'GET', path } as ApiRequest) as UnaryResponse;
    return {
      headers: answer.headers,
      body: JSON.parse(Buffer.concat(answer.chunks ?? []).toString()) as Record<string, unknown>,
    };
  };

  it('lets a stranger verify a token with what it publishes', async () => {
    const { body } = get('/.well-known/openid-configuration');
    expect(body).toMatchObject({
      issuer,
      jwks_uri: `${issuer}/openid/v1/jwks`,
      id_token_signing_alg_values_supported: ['ES256'],
    });
    const jwks = get('/openid/v1/jwks');
    expect(jwks.headers['content-type']).toBe('application/jwk-set+json');
    const verified = await jwtVerify(
      await issue(),
      createLocalJWKSet(jwks.body as unknown as JSONWebKeySet),
      {
        issuer,
        audience: issuer,
        currentDate: new Date(nowMs),
      },
    );
    expect(verified.payload.sub).toBe('system:serviceaccount:ci:robot');
    expect(JSON.stringify(jwks.body)).not.toContain('"d"');
  });

  it('publishes old keys while they are still listed, and their tokens stay good', async () => {
    const newer = await loadTokenKeys({
      privateKey: newKey(),
      otherPublicKeys: [
        keys.publicKeys.get(keys.keyId)!.key.export({ type: 'spki', format: 'pem' }).toString(),
      ],
    });
    expect(newer.jwks.keys).toHaveLength(2);
    const token = await issue();
    const rotated = new ServiceAccountTokenAuthenticator({ ...tokens.options, keys: newer });
    expect((await rotated.authenticate(token)).user.username).toBe('system:serviceaccount:ci:robot');
  });
});
