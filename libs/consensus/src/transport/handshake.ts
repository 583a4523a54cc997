import type { PeerCertificate, SecureContextOptions, TLSSocket } from 'node:tls';
import { ByteReader } from '../bytes.js';
import { readAddress, writeAddress } from '../membership/member-directory.js';
import type { MemberAddress } from '../membership/member-directory.js';
import { encodeFrame, frameKind } from './frame.js';

export const protocolVersion = 2;
const magic = 'trireme-peer';
/** A hello is short; a stranger that sends more is cut off. */
export const maxHandshakeBytes = 4096;
export const handshakeTimeoutMs = 2_000;

/** `client` asks, as no member of the group, with the certificate of one. */
export type Channel = 'messages' | 'snapshot' | 'client';
const channels: readonly Channel[] = ['messages', 'snapshot', 'client'];

/** The first thing a dialling peer says. */
export interface Hello {
  readonly version: number;
  readonly clusterId: string;
  /** Who dials, and where it is reached: a receiver that has not heard of it yet can answer. */
  readonly from: MemberAddress;
  readonly to: number;
  readonly channel: Channel;
}

/** What a server knows of the group, as far as letting peers in goes. */
export interface KnownPeers {
  readonly members: readonly MemberAddress[];
  /** Ids from here on were given out after this server last heard, if at all. */
  readonly nextId: number;
}

/** The answer to a hello. An empty reason welcomes. */
export interface Welcome {
  readonly refusal: string;
  /** The dialling member was removed from the cluster, and will never be let in. */
  readonly removed: boolean;
}

const welcomed: Welcome = { refusal: '', removed: false };

/**
 * PEM of one server's side of mutual TLS 1.3. `ca` is the authority that signs peers and nobody else; while it is being
 * replaced, the old one and the new one behind each other.
 */
export interface PeerTls {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** AES-128 first: the fastest where the processor has AES, and every TLS 1.3 suite is strong enough. */
const tls13Ciphers = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/** As both ends of a connection between peers use it. */
export function secureContextOf({ ca, certificate, privateKey }: PeerTls): SecureContextOptions {
  return { ca, cert: certificate, key: privateKey, minVersion: 'TLSv1.3', ciphers: tls13Ciphers };
}

export function encodeHello(hello: Omit<Hello, 'version'>): Buffer {
  return encodeFrame(frameKind.hello, (writer) => {
    writer.text(magic);
    writer.u32(protocolVersion);
    writer.text(hello.clusterId);
    writeAddress(writer, hello.from);
    writer.u64(hello.to);
    writer.u8(channels.indexOf(hello.channel));
  });
}

/** Undefined when the body is no hello at all. */
export function decodeHello(body: Buffer): Hello | undefined {
  try {
    const reader = new ByteReader(body);
    if (reader.text() !== magic) return undefined;
    const version = reader.u32();
    if (version !== protocolVersion)
      return {
        version,
        clusterId: '',
        from: { id: 0, name: '', host: '', port: 0 },
        to: 0,
        channel: 'messages',
      };
    const clusterId = reader.text();
    const from = readAddress(reader);
    const to = reader.u64();
    const channel = channels[reader.u8()];
    return channel === undefined ? undefined : { version, clusterId, from, to, channel };
  } catch {
    // Whatever it was, it did not follow the layout: the caller names it as such.
    return undefined;
  }
}

export function encodeWelcome({ refusal, removed }: Welcome = welcomed): Buffer {
  return encodeFrame(frameKind.welcome, (writer) => {
    writer.text(refusal);
    writer.u8(removed ? 1 : 0);
  });
}

export function decodeWelcome(body: Buffer): Welcome {
  const reader = new ByteReader(body);
  return { refusal: reader.text(), removed: reader.u8() === 1 };
}

/** Whether a certificate speaks for a member: its common name or one of its DNS names is the member's name. */
export function certificateNames(certificate: PeerCertificate, name: string): boolean {
  if (certificate.subject?.CN === name) return true;
  return (certificate.subjectaltname ?? '').split(', ').includes(`DNS:${name}`);
}

/**
 * Whether a dialling peer is let in; the reasons go to both servers' logs. A member that this server has not heard of yet
 * is let in by its certificate alone: it may lead a group that has moved on while this server was away.
 */
export function greet(
  hello: Hello | undefined,
  self: { readonly clusterId: string; readonly memberId: number },
  known: KnownPeers,
  socket: TLSSocket,
): Welcome {
  const refuse = (refusal: string, removed = false): Welcome => ({ refusal, removed });
  if (hello === undefined) return refuse('this is no peer of a Trireme cluster');
  if (hello.version !== protocolVersion) {
    return refuse(`protocol version ${hello.version} was offered, version ${protocolVersion} is spoken here`);
  }
  if (hello.clusterId !== self.clusterId) {
    return refuse(
      `cluster '${hello.clusterId}' was named, but this is a member of cluster '${self.clusterId}': check the peers' addresses and data directories`,
    );
  }
  if (hello.to !== self.memberId) {
    return refuse(
      `member ${hello.to} was called, but this is member ${self.memberId}: check the peers' addresses`,
    );
  }
  const { id, name: claimed } = hello.from;
  const member = known.members.find((one) => one.id === id);
  if (hello.channel === 'client' && member === undefined)
    return refuse(`a client must show the certificate of a member, and ${id} is none`);
  if (hello.channel !== 'client' && id === self.memberId) return refuse(`member ${id} is this server itself`);
  if (member === undefined && id < known.nextId) {
    return refuse(
      `member ${id} was removed from the cluster: its data directory is of no more use; add it again under a new id, with an empty one`,
      true,
    );
  }
  const name = member?.name ?? claimed;
  if (!certificateNames(socket.getPeerCertificate(), name))
    return refuse(`the certificate presented does not speak for member ${id} ('${name}')`);
  return welcomed;
}
