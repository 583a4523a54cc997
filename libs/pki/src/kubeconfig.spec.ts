import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile, lstat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createCertificateAuthority,
  issueCertificate,
  kubeconfig,
  mergeKubeconfig,
  removeFromKubeconfig,
  resolveKubeconfigPath,
  type KubeconfigEntry,
} from './index.js';

let directory: string;
let entry: KubeconfigEntry;

beforeAll(async () => {
  const ca = await createCertificateAuthority('test');
  const admin = await issueCertificate(ca, { commonName: 'admin', usages: ['client'] });
  entry = {
    name: 'trireme',
    server: 'https://127.0.0.1:6443',
    caPem: ca.certificate,
    certPem: admin.certificate,
    keyPem: admin.privateKey,
  };
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

function load(text: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(text);
  return config;
}

const theirs = `# mine, keep
apiVersion: v1
kind: Config
clusters:
- name: work
  cluster:
    server: https://work.example.org # the office
    extensions: [{name: x, extension: {a: 1}}]
users:
- name: me
  user: {exec: {command: aws, args: [eks, get-token]}}
contexts:
- context: {cluster: work, user: me, namespace: team}
  name: work
current-context: work
`;

describe('kubeconfig', () => {
  it('is read by the JavaScript client as one current cluster with credentials', () => {
    const config = load(kubeconfig(entry));
    expect(config.getCurrentCluster()).toMatchObject({ name: 'trireme', server: 'https://127.0.0.1:6443' });
    expect(Buffer.from(config.getCurrentUser()!.keyData!, 'base64').toString()).toBe(entry.keyPem);
  });

  it('survives names that YAML would misread', () => {
    const config = load(kubeconfig({ ...entry, name: 'yes: #"no"' }));
    expect(config.getCurrentContext()).toBe('yes: #"no"');
  });
});

describe('mergeKubeconfig', () => {
  it('makes the file and its directory, 0600', async () => {
    const path = join(directory, 'deep', 'config');
    await mergeKubeconfig(path, entry);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(load(await readFile(path, 'utf8')).getCurrentUser()?.name).toBe('trireme');
  });

  it('leaves other entries and comments alone, and removing gives them back', async () => {
    const path = join(directory, 'config');
    await writeFile(path, theirs);
    await mergeKubeconfig(path, entry);
    const merged = await readFile(path, 'utf8');
    expect(merged).toContain('# mine, keep');
    expect(merged).toContain('# the office');
    const config = load(merged);
    expect(config.getCurrentContext()).toBe('trireme');
    expect(config.getContexts().map((context) => context.name)).toEqual(['work', 'trireme']);
    expect(config.getUser('me')!.exec.args).toEqual(['eks', 'get-token']);
    await removeFromKubeconfig(path, 'trireme');
    const after = load(await readFile(path, 'utf8'));
    expect(after.getClusters().map((cluster) => cluster.name)).toEqual(['work']);
    expect(after.getUsers()).toHaveLength(1);
    expect(after.getCurrentContext()).toBe('');
  });

  it('replaces its own entry instead of adding another', async () => {
    const path = join(directory, 'config');
    await mergeKubeconfig(path, entry);
    await mergeKubeconfig(path, { ...entry, server: 'https://127.0.0.1:7443' });
    const config = load(await readFile(path, 'utf8'));
    expect(config.getClusters().map((cluster) => cluster.server)).toEqual(['https://127.0.0.1:7443']);
  });

  it('loses nothing when many merge at once', async () => {
    const path = join(directory, 'config');
    const names = Array.from({ length: 12 }, (_, index) => `cluster-${index}`);
    await Promise.all(names.map((name) => mergeKubeconfig(path, { ...entry, name })));
    const config = load(await readFile(path, 'utf8'));
    expect(
      config
        .getClusters()
        .map((cluster) => cluster.name)
        .sort(),
    ).toEqual([...names].sort());
  });

  it('takes over the lock of a process that died', async () => {
    const path = join(directory, 'config');
    await writeFile(`${path}.lock`, '4194303');
    await mergeKubeconfig(path, entry);
    expect(load(await readFile(path, 'utf8')).getClusters()).toHaveLength(1);
    await expect(stat(`${path}.lock`)).rejects.toThrow(/ENOENT/);
  });

  it('keeps a symbolic link and changes its target', async () => {
    await mkdir(join(directory, 'dotfiles'));
    await writeFile(join(directory, 'dotfiles', 'kube'), theirs);
    await symlink(join(directory, 'dotfiles', 'kube'), join(directory, 'config'));
    await mergeKubeconfig(join(directory, 'config'), entry);
    expect((await lstat(join(directory, 'config'))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(directory, 'dotfiles', 'kube'), 'utf8')).toContain('trireme');
  });

  it('does not touch what it cannot read, and says so', async () => {
    const path = join(directory, 'config');
    await writeFile(path, 'clusters: [oops');
    await expect(mergeKubeconfig(path, entry)).rejects.toThrow(/is not a kubeconfig/);
    expect(await readFile(path, 'utf8')).toBe('clusters: [oops');
    await writeFile(path, 'clusters: hello');
    await expect(mergeKubeconfig(path, entry)).rejects.toThrow(/"clusters" is not a list/);
  });

  it('says what to do when the file cannot be written', async () => {
    await writeFile(join(directory, 'file'), '');
    await expect(mergeKubeconfig(join(directory, 'file', 'config'), entry)).rejects.toThrow(
      /cannot write .*Choose another directory/,
    );
  });
});

describe('resolveKubeconfigPath', () => {
  it('prefers the flag, then $KUBECONFIG, then the home directory', () => {
    const environment = { KUBECONFIG: ':/a/one:/b/two', HOME: '/home/me' };
    expect(resolveKubeconfigPath('/flag', environment)).toBe('/flag');
    expect(resolveKubeconfigPath(undefined, environment)).toBe('/a/one');
    expect(resolveKubeconfigPath(undefined, { HOME: '/home/me' })).toBe('/home/me/.kube/config');
  });
});
