import type { KubernetesObject } from '#libs/apimachinery';
import { beforeEach, describe, expect, it } from 'vitest';
import type { UserInfo } from '../request.js';
import { storageLookup } from '../serviceaccount/object-lookup.js';
import { NodeAuthorizer } from './node-authorizer.js';
import { checkNodeRestriction, type NodeWrite } from './node-restriction.js';
import { storeFixture, type StoreFixture } from './store-fixture.js';

let store: StoreFixture;
let nodes: NodeAuthorizer;
const n1: UserInfo = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };

beforeEach(() => {
  store = storeFixture();
  nodes = new NodeAuthorizer(store.storage, store.decoded);
});

function allows(
  verb: string,
  resource: string,
  place: string,
  group = '',
  subresource = '',
  user = n1,
): boolean {
  const [namespace = '', name = ''] = place.split('/');
  const attributes = { user, verb, group, resource, subresource, namespace, name };
  return (
    nodes.authorize({ ...attributes, resourceRequest: true, version: 'v1', path: '' }).decision === 'allow'
  );
}

function pod(name: string, nodeName: string, spec: object = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'team' },
    spec: { nodeName, ...spec },
  };
}

const usesEverything = {
  serviceAccountName: 'robot',
  imagePullSecrets: [{ name: 'pull' }],
  volumes: [
    { name: 'a', secret: { secretName: 'from-volume' } },
    {
      name: 'b',
      projected: {
        sources: [{ secret: { name: 'from-projected' } }, { configMap: { name: 'cm-projected' } }],
      },
    },
    { name: 'c', persistentVolumeClaim: { claimName: 'claim' } },
    { name: 'd', ephemeral: {} },
  ],
  containers: [
    {
      env: [{ valueFrom: { secretKeyRef: { name: 'from-env' } } }],
      envFrom: [{ configMapRef: { name: 'cm-env' } }],
    },
  ],
  initContainers: [{ env: [{ valueFrom: { configMapKeyRef: { name: 'cm-init' } } }] }],
  ephemeralContainers: [{ envFrom: [{ secretRef: { name: 'from-debug' } }] }],
};

describe('NodeAuthorizer', () => {
  it('lets a node read what its pods refer to, however they do', async () => {
    await store.put('pods', pod('p', 'n1', usesEverything));
    for (const name of ['pull', 'from-volume', 'from-projected', 'from-env', 'from-debug']) {
      expect([name, allows('get', 'secrets', `team/${name}`)]).toEqual([name, true]);
    }
    for (const name of ['cm-projected', 'cm-env', 'cm-init']) {
      expect([name, allows('watch', 'configmaps', `team/${name}`)]).toEqual([name, true]);
    }
    expect(allows('get', 'persistentvolumeclaims', 'team/claim')).toBe(true);
    expect(allows('get', 'persistentvolumeclaims', 'team/p-d')).toBe(true);
    expect(allows('create', 'serviceaccounts', 'team/robot', '', 'token')).toBe(true);
  });

  it("keeps it from everything else: other names, namespaces, other nodes' pods, whole lists, writes", async () => {
    await store.put('pods', pod('p', 'n1', usesEverything));
    await store.put('pods', pod('q', 'n2', { volumes: [{ name: 'a', secret: { secretName: 'theirs' } }] }));
    expect(allows('get', 'secrets', 'team/other')).toBe(false);
    expect(allows('get', 'secrets', 'prod/pull')).toBe(false);
    expect(allows('get', 'secrets', 'team/theirs')).toBe(false);
    expect(allows('list', 'secrets', 'team')).toBe(false);
    expect(allows('list', 'secrets', '')).toBe(false);
    expect(allows('update', 'secrets', 'team/pull')).toBe(false);
    expect(allows('create', 'serviceaccounts', 'team/other', '', 'token')).toBe(false);
  });

  it('forgets with the pod, and keeps what another pod still needs', async () => {
    const volume = { volumes: [{ name: 'a', secret: { secretName: 's' } }] };
    await store.put('pods', pod('p', 'n1', volume));
    await store.put('pods', pod('q', 'n1', volume));
    expect(allows('get', 'secrets', 'team/s')).toBe(true);
    await store.remove('', 'pods', 'team/p');
    expect(allows('get', 'secrets', 'team/s')).toBe(true);
    await store.remove('', 'pods', 'team/q');
    expect(allows('get', 'secrets', 'team/s')).toBe(false);
  });

  it('knows its own Node, Lease and CSINode only', () => {
    expect(allows('get', 'nodes', '/n1')).toBe(true);
    expect(allows('get', 'nodes', '/n2')).toBe(false);
    expect(allows('list', 'nodes', '')).toBe(false);
    expect(allows('update', 'leases', 'kube-node-lease/n1', 'coordination.k8s.io')).toBe(true);
    expect(allows('update', 'leases', 'kube-node-lease/n2', 'coordination.k8s.io')).toBe(false);
    expect(allows('update', 'leases', 'kube-system/n1', 'coordination.k8s.io')).toBe(false);
    expect(allows('list', 'leases', 'kube-node-lease', 'coordination.k8s.io')).toBe(false);
    expect(allows('get', 'csinodes', '/n2', 'storage.k8s.io')).toBe(false);
    expect(allows('patch', 'nodes', '/n1', '', 'status')).toBe(true);
    expect(allows('delete', 'nodes', '/n1')).toBe(false);
  });

  it('reads a volume through the claim of a pod, and its own attachments', async () => {
    await store.put('pods', pod('p', 'n1', usesEverything));
    const claimRef = { namespace: 'team', name: 'claim' };
    await store.put('persistentvolumes', {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'v' },
      spec: { claimRef },
    });
    await store.put('persistentvolumes', {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'w' },
      spec: {},
    });
    const attachment = (name: string, nodeName: string): KubernetesObject => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name },
      spec: { nodeName },
    });
    await store.put('volumeattachments', attachment('mine', 'n1'));
    await store.put('volumeattachments', attachment('theirs', 'n2'));
    expect(allows('get', 'persistentvolumes', '/v')).toBe(true);
    expect(allows('get', 'persistentvolumes', '/w')).toBe(false);
    expect(allows('get', 'volumeattachments', '/mine', 'storage.k8s.io')).toBe(true);
    expect(allows('get', 'volumeattachments', '/theirs', 'storage.k8s.io')).toBe(false);
  });

  it('is no matter of the name alone: the group must be there', () => {
    const fake: UserInfo = { username: 'system:node:n1', groups: ['system:authenticated'] };
    expect(allows('get', 'nodes', '/n1', '', '', fake)).toBe(false);
  });
});

describe('checkNodeRestriction', () => {
  const node = (labels: object = {}, more: object = {}, metadata: object = {}): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', labels: labels as Record<string, string>, ...metadata },
    spec: more,
  });
  const attempt = (write: Partial<NodeWrite>): void =>
    checkNodeRestriction(
      {
        user: n1,
        operation: 'UPDATE',
        group: '',
        resource: 'nodes',
        subresource: '',
        namespace: '',
        name: 'n1',
        object: undefined,
        previous: undefined,
        ...write,
      },
      storageLookup(store.storage, store.decoded),
    );

  it('leaves everybody but nodes alone', () => {
    attempt({ user: { username: 'ann', groups: ['system:masters'] }, name: 'n2', operation: 'DELETE' });
  });

  it('lets a node register and report itself', () => {
    attempt({
      operation: 'CREATE',
      object: node(
        { 'kubernetes.io/hostname': 'n1', mine: 'x', 'node.kubernetes.io/x': 'y' },
        { taints: [{ key: 'a' }] },
      ),
    });
    attempt({ subresource: 'status', previous: node(), object: node() });
    attempt({ previous: node(), object: node({ 'topology.kubernetes.io/zone': 'z' }) });
  });

  it.each([
    ['another node', { name: 'n2', previous: node(), object: node() }, /only access its own/],
    ['its own deletion', { operation: 'DELETE' as const, previous: node() }, /not allowed to delete/],
    [
      'its taints',
      { previous: node({}, { taints: [{ key: 'a' }] }), object: node({}, { taints: [] }) },
      /modify taints/,
    ],
    [
      'a protected label',
      { previous: node(), object: node({ 'node-restriction.kubernetes.io/secure': 'true' }) },
      /labels: node-restriction/,
    ],
    [
      'a role label',
      { operation: 'CREATE' as const, object: node({ 'node-role.kubernetes.io/control-plane': '' }) },
      /set labels/,
    ],
    [
      'taking such a label away',
      { previous: node({ 'x.k8s.io/y': '1' }), object: node() },
      /modify labels: x\.k8s\.io\/y/,
    ],
    [
      'its owners (CVE-2025-5187)',
      { previous: node(), object: node({}, {}, { ownerReferences: [{ name: 'gone' }] }) },
      /owner references/,
    ],
  ])('refuses %s', (_, write, message) => {
    expect(() => attempt(write)).toThrow(message);
  });

  it('lets it touch pods that are bound to it, their status and their end', async () => {
    const mine = await store.put('pods', pod('p', 'n1'));
    const theirs = await store.put('pods', pod('q', 'n2'));
    const write = { resource: 'pods', namespace: 'team', name: 'p' } as const;
    attempt({ ...write, subresource: 'status', previous: mine, object: mine });
    attempt({ ...write, operation: 'DELETE', previous: mine });
    attempt({ ...write, operation: 'CREATE', subresource: 'eviction' });
    expect(() => attempt({ ...write, subresource: 'status', previous: theirs, object: theirs })).toThrow(
      /set to itself/,
    );
    expect(() => attempt({ ...write, operation: 'DELETE', previous: theirs })).toThrow(/set to itself/);
    expect(() => attempt({ ...write, name: 'q', operation: 'CREATE', subresource: 'eviction' })).toThrow(
      /set to itself/,
    );
    expect(() => attempt({ ...write, previous: mine, object: mine })).toThrow(/unexpected operation UPDATE/);
    const labelled = { ...mine, metadata: { ...mine.metadata, labels: { a: 'b' } } };
    expect(() => attempt({ ...write, subresource: 'status', previous: mine, object: labelled })).toThrow(
      /cannot update labels/,
    );
  });

  it('lets it create mirror pods that use nothing', () => {
    const mirror = (spec: object, nodeName = 'n1'): KubernetesObject => {
      const made = pod('m', nodeName, spec);
      return { ...made, metadata: { ...made.metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } } };
    };
    const create = (object: KubernetesObject) => (): void =>
      attempt({ operation: 'CREATE', resource: 'pods', namespace: 'team', name: 'm', object });
    create(mirror({}))();
    expect(create(pod('m', 'n1'))).toThrow(/only create mirror pods/);
    expect(create(mirror({}, 'n2'))).toThrow(/spec\.nodeName set to itself/);
    expect(create(mirror({ volumes: [{ name: 'a', secret: { secretName: 's' } }] }))).toThrow(
      /reference secrets/,
    );
    expect(create(mirror({ serviceAccountName: 'robot' }))).toThrow(/reference a service account/);
  });

  it('gives tokens only for pods that run on it', async () => {
    const mine = await store.put('pods', pod('p', 'n1'));
    const theirs = await store.put('pods', pod('q', 'n2'));
    const ask = (reference: object | undefined) => (): void =>
      attempt({
        operation: 'CREATE',
        resource: 'serviceaccounts',
        subresource: 'token',
        namespace: 'team',
        name: 'robot',
        object: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: {},
          spec: { boundObjectRef: reference },
        },
      });
    const to = (object: KubernetesObject, uid = object.metadata.uid): object => ({
      apiVersion: 'v1',
      kind: 'Pod',
      name: object.metadata.name,
      uid,
    });
    ask(to(mine))();
    expect(ask(undefined)).toThrow(/not bound to a pod/);
    expect(ask(to(mine, ''))).toThrow(/without a uid/);
    expect(ask(to(mine, 'another'))).toThrow(/does not exist/);
    expect(ask(to(theirs))).toThrow(/different node/);
  });
});
