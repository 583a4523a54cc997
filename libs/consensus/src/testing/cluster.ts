import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { MemberAddress } from '../membership/member-directory.js';
import { openReplica } from '../replica/open-replica.js';
import type { ReplicaOptions } from '../replica/options.js';
import type { Replica } from '../replica/port.js';
import type { PeerTls } from '../transport/handshake.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** An authority and one certificate a name, for the loopback tests of this room. */
export async function createPeerTls(names: readonly string[]): Promise<Map<string, PeerTls>> {
  const { subtle } = globalThis.crypto;
  const notAfter = new Date(Date.now() + 86_400_000);
  const caKeys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=peers',
    notAfter,
    keys: caKeys,
    signingAlgorithm: algorithm,
    // Authorities of one name are told apart by them.
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const all = new Map<string, PeerTls>();
  for (const name of names) {
    const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: ca.subject,
      notAfter,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey)],
    });
    all.set(name, {
      ca: ca.toString('pem'),
      certificate: certificate.toString('pem'),
      privateKey: pem('PRIVATE KEY', await subtle.exportKey('pkcs8', keys.privateKey)),
    });
  }
  return all;
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Polls until a condition holds; fails with its name when it does not in time. */
export async function until(what: string, condition: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not in ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Replicas in this process over real files and real loopback TLS. */
export class TestCluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'trireme-consensus-'));
  readonly replicas = new Map<string, Replica>();
  readonly warnings: string[] = [];
  readonly fatals: Error[] = [];

  private constructor(
    readonly members: readonly MemberAddress[],
    readonly tls: ReadonlyMap<string, PeerTls>,
    readonly overrides: Partial<ReplicaOptions>,
    readonly spares: readonly MemberAddress[],
  ) {}

  /** `spares` have addresses and certificates, and are no members. */
  static async create(
    size: number,
    overrides: Partial<ReplicaOptions> = {},
    spares = 0,
  ): Promise<TestCluster> {
    const ports = await freePorts(size + spares);
    const all = ports.map((port, i) => ({ id: i + 1, name: `m${i + 1}`, host: '127.0.0.1', port }));
    const tls = await createPeerTls(all.map(({ name }) => name));
    return new TestCluster(all.slice(0, size), tls, overrides, all.slice(size));
  }

  options(name: string, overrides: Partial<ReplicaOptions> = {}): ReplicaOptions {
    const member = this.members.find((one) => one.name === name);
    const tls = this.tls.get(name);
    if (member === undefined || tls === undefined) throw new Error(`no member ${name}`);
    return {
      name,
      memberId: member.id,
      clusterId: 'test',
      members: this.members,
      dataDir: join(this.directory, name),
      listen: { host: '127.0.0.1', port: member.port },
      tls,
      segmentBytes: 1 << 20,
      onFatal: (error) => this.fatals.push(error),
      onWarning: (message) => this.warnings.push(message),
      ...this.overrides,
      ...overrides,
    };
  }

  async open(name: string, overrides: Partial<ReplicaOptions> = {}): Promise<Replica> {
    const replica = await openReplica(this.options(name, overrides));
    this.replicas.set(name, replica);
    return replica;
  }

  /** Starts a spare, with nothing, under the id that it was added as. It knows only itself. */
  async join(name: string, memberId: number): Promise<Replica> {
    const spare = this.spares.find((one) => one.name === name);
    const tls = this.tls.get(name);
    if (spare === undefined || tls === undefined) throw new Error(`no spare ${name}`);
    const { host, port } = spare;
    const self = { name, memberId, members: [{ ...spare, id: memberId }], listen: { host, port }, tls };
    const dataDir = join(this.directory, name);
    const replica = await openReplica(this.options('m1', { ...self, dataDir, join: true }));
    this.replicas.set(name, replica);
    return replica;
  }

  async openAll(): Promise<void> {
    await Promise.all(this.members.map(({ name }) => this.open(name)));
  }

  get(name: string): Replica {
    const replica = this.replicas.get(name);
    if (replica === undefined) throw new Error(`${name} is not open`);
    return replica;
  }

  async close(name: string): Promise<void> {
    const replica = this.get(name);
    this.replicas.delete(name);
    await replica.close();
  }

  /** The one that leads, once all that are open agree on it. */
  async leader(): Promise<Replica> {
    const agreed = (): Replica | undefined => {
      const all = [...this.replicas.values()];
      const leader = all.find(({ leadership }) => leadership.isLeader);
      const { term } = leader?.leadership ?? { term: -1 };
      return all.every(({ leadership }) => leadership.term === term && leadership.leader !== undefined)
        ? leader
        : undefined;
    };
    await until('all agree on a leader', () => agreed() !== undefined);
    return agreed() as Replica;
  }

  async follower(): Promise<Replica> {
    const leader = await this.leader();
    return [...this.replicas.values()].find((replica) => replica !== leader) as Replica;
  }

  nameOf(replica: Replica): string {
    return replica.status().name;
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.replicas.values()].map((replica) => replica.close()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
