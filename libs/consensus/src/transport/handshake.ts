import type { PeerCertificate, TLSSocket } from 'node:tls';
import { ByteReader } from '../bytes.js';
import type { MemberAddress } from '../data-dir/data-directory.js';
import { encodeFrame, frameKind } from './frame.js';

export const protocolVersion = 1;
const magic = 'trireme-peer';
/** A hello is short; a stranger that sends more is cut off. */
export const maxHandshakeBytes = 4096;
export const handshakeTimeoutMs = 2_000;

export type Channel = 'messages' | 'snapshot';
const channels: readonly Channel[] = ['messages', 'snapshot'];

/** The first thing a dialling peer says. */
export interface Hello {
  readonly version: number;
  readonly clusterId: string;
  readonly from: number;
  readonly to: number;
  readonly channel: Channel;
}

/** PEM of one server's side of mutual TLS 1.3. `ca` is the authority that signs peers and nobody else. */
export interface PeerTls {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** AES-128 first: the fastest where the processor has AES, and every TLS 1.3 suite is strong enough. */
export const tls13Ciphers = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

export function encodeHello(hello: Omit<Hello, 'version'>): Buffer {
  return encodeFrame(frameKind.hello, (writer) => {
    writer.text(magic);
    writer.u32(protocolVersion);
    writer.text(hello.clusterId);
    writer.u64(hello.from);
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
    const clusterId = reader.text();
    const from = reader.u64();
    const to = reader.u64();
    const channel = channels[reader.u8()];
    return channel === undefined ? undefined : { version, clusterId, from, to, channel };
  } catch {
    // Whatever it was, it did not follow the layout: the caller names it as such.
    return undefined;
  }
}

/** An empty reason welcomes. */
export function encodeWelcome(refusal: string): Buffer {
  return encodeFrame(frameKind.welcome, (writer) => writer.text(refusal));
}

export function decodeWelcome(body: Buffer): string {
  return new ByteReader(body).text();
}

/** Whether a certificate speaks for a member: its common name or one of its DNS names is the member's name. */
export function certificateNames(certificate: PeerCertificate, name: string): boolean {
  if (certificate.subject?.CN === name) return true;
  return (certificate.subjectaltname ?? '').split(', ').includes(`DNS:${name}`);
}

/** Why a dialling peer is not let in, or '' when it is. The reasons go to both servers' logs. */
export function refusalOf(
  hello: Hello | undefined,
  self: { readonly clusterId: string; readonly memberId: number },
  members: readonly MemberAddress[],
  socket: TLSSocket,
): string {
  if (hello === undefined) return 'this is no peer of a Trireme cluster';
  if (hello.version !== protocolVersion) {
    return `protocol version ${hello.version} was offered, version ${protocolVersion} is spoken here`;
  }
  if (hello.clusterId !== self.clusterId) {
    return `cluster '${hello.clusterId}' was named, but this is a member of cluster '${self.clusterId}': check the peers' addresses and data directories`;
  }
  if (hello.to !== self.memberId) {
    return `member ${hello.to} was called, but this is member ${self.memberId}: check the peers' addresses`;
  }
  const member = members.find(({ id }) => id === hello.from);
  if (member === undefined || hello.from === self.memberId)
    return `member ${hello.from} is not a peer of this cluster`;
  if (!certificateNames(socket.getPeerCertificate(), member.name)) {
    return `the certificate presented does not speak for member ${hello.from} ('${member.name}')`;
  }
  return '';
}
