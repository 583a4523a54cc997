import { beforeEach, describe, expect, it } from 'vitest';
import { authorizerChain, fixedPolicy } from '../authz/chain.js';
import type { AuthenticationFacts } from '../authn.js';
import type { Authorizer } from '../authz.js';
import { RbacAuthorizer } from '../rbac/rbac-authorizer.js';
import { binding, person, role, storeFixture, type StoreFixture } from '../rbac/store-fixture.js';
import { bearerToken, RequestAuthenticator } from './authenticator.js';
import { impersonate } from './impersonation.js';

const facts = (some: Partial<AuthenticationFacts>): AuthenticationFacts => ({
  peerCertificate: undefined,
  authorization: undefined,
  remoteAddress: '127.0.0.1',
  headers: {},
  ...some,
});
const peerCertificate = { commonName: 'ann', organizations: ['devs', 'ops'], fingerprint: 'AB:CD' };

describe('RequestAuthenticator', () => {
  const authenticator = new RequestAuthenticator(undefined);

  it('reads user and groups from the client certificate, the same object each time', () => {
    const user = authenticator.authenticate(facts({ peerCertificate }));
    expect(user).toEqual({
      username: 'ann',
      groups: ['devs', 'ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=abcd'] },
    });
    expect(authenticator.authenticate(facts({ peerCertificate }))).toBe(user);
  });

  it('says undefined without credentials, and 401 to those it cannot use', () => {
    expect(authenticator.authenticate(facts({}))).toBeUndefined();
    for (const authorization of ['Basic YTpi', 'Bearer', 'Bearer a b', 'Bearer x.y.z', 'nonsense']) {
      expect(() => authenticator.authenticate(facts({ authorization }))).toThrow('Unauthorized');
    }
    expect(() =>
      authenticator.authenticate(
        facts({ peerCertificate: { ...peerCertificate, commonName: '', fingerprint: 'x' } }),
      ),
    ).toThrow('Unauthorized');
  });

  it('does not believe front-proxy headers', () => {
    const headers = { 'x-remote-user': 'root', 'x-remote-group': 'system:masters' };
    expect(authenticator.authenticate(facts({ headers }))).toBeUndefined();
  });
});

describe('bearerToken', () => {
  it('finds the token in the header and in the WebSocket subprotocol', () => {
    expect(bearerToken(facts({ authorization: 'bearer  abc.def-_~+/=' }))).toBe('abc.def-_~+/=');
    const encoded = Buffer.from('my.token').toString('base64url');
    const protocols = `v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.${encoded}`;
    expect(bearerToken(facts({ headers: { 'sec-websocket-protocol': protocols } }))).toBe('my.token');
    expect(
      bearerToken(facts({ headers: { 'sec-websocket-protocol': 'v5.channel.k8s.io' } })),
    ).toBeUndefined();
  });
});

describe('impersonate', () => {
  let store: StoreFixture;
  let authorizer: Authorizer;
  const ann = person('ann');

  beforeEach(() => {
    store = storeFixture();
    authorizer = authorizerChain([fixedPolicy, new RbacAuthorizer(store.storage, store.decoded)]);
  });

  async function mayImpersonate(rules: readonly object[]): Promise<void> {
    await store.put('clusterroles', role('imp', rules));
    await store.put(
      'clusterrolebindings',
      binding('imp', 'ClusterRole/imp', [{ kind: 'User', name: 'ann' }]),
    );
  }

  it('is nobody else without headers', async () => {
    expect(await impersonate(ann, { accept: '*/*' }, authorizer)).toBe(ann);
  });

  it('refuses what is not granted, naming it', async () => {
    await expect(impersonate(ann, { 'impersonate-user': 'bob' }, authorizer)).rejects.toMatchObject({
      code: 403,
      message:
        'users "bob" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope',
    });
    await mayImpersonate([
      { apiGroups: [''], resources: ['users'], verbs: ['impersonate'], resourceNames: ['bob'] },
    ]);
    expect((await impersonate(ann, { 'impersonate-user': 'bob' }, authorizer)).username).toBe('bob');
    await expect(impersonate(ann, { 'impersonate-user': 'eve' }, authorizer)).rejects.toMatchObject({
      code: 403,
    });
    const masters = { 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' };
    await expect(impersonate(ann, masters, authorizer)).rejects.toThrow(/resource "groups"/);
    const extra = { 'impersonate-user': 'bob', 'impersonate-extra-scopes': 'all' };
    await expect(impersonate(ann, extra, authorizer)).rejects.toThrow(
      /userextras.authentication.k8s.io "all" is forbidden: User "ann" cannot impersonate resource "userextras\/scopes" in API group "authentication.k8s.io"/,
    );
  });

  it('takes user, groups, uid and extra together, and none of the own groups along', async () => {
    const root = person('root', 'system:masters');
    const headers = {
      'impersonate-user': 'bob',
      'impersonate-group': ['devs', 'ops'],
      'impersonate-uid': '42',
      'impersonate-extra-example.org%2fscopes': ['view', 'edit'],
    };
    expect(await impersonate(root, headers, authorizer)).toEqual({
      username: 'bob',
      uid: '42',
      groups: ['devs', 'ops', 'system:authenticated'],
      extra: { 'example.org/scopes': ['view', 'edit'] },
    });
    const joined = await impersonate(
      root,
      { 'impersonate-user': 'bob', 'impersonate-group': 'devs, ops' },
      authorizer,
    );
    expect(joined.groups).toEqual(['devs', 'ops', 'system:authenticated']);
  });

  it('gives service accounts their groups, by the right to impersonate them in their namespace', async () => {
    await mayImpersonate([
      { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['impersonate'], resourceNames: ['robot'] },
    ]);
    const user = await impersonate(ann, { 'impersonate-user': 'system:serviceaccount:ci:robot' }, authorizer);
    expect(user.groups).toEqual([
      'system:serviceaccounts',
      'system:serviceaccounts:ci',
      'system:authenticated',
    ]);
    await expect(
      impersonate(ann, { 'impersonate-user': 'system:serviceaccount:ci:other' }, authorizer),
    ).rejects.toThrow(/serviceaccounts "other" is forbidden.* in the namespace "ci"/);
  });

  it('keeps the impersonated anonymous unauthenticated, and refuses groups without a user', async () => {
    const root = person('root', 'system:masters');
    const nobody = await impersonate(root, { 'impersonate-user': 'system:anonymous' }, authorizer);
    expect(nobody.groups).toEqual(['system:unauthenticated']);
    await expect(impersonate(root, { 'impersonate-group': 'devs' }, authorizer)).rejects.toThrow(
      /without impersonating a user/,
    );
  });
});
