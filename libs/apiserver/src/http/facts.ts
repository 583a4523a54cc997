import type { TLSSocket } from 'node:tls';
import type { PeerCertificateFacts } from '../authn.js';

const factsBySocket = new WeakMap<object, PeerCertificateFacts | null>();

/**
 * The subject of a connection's client certificate, read once a connection. Undefined without one, or when TLS did not
 * accept its chain: the handshake lets such clients in so that they may show a token instead.
 */
export function peerCertificate(socket: TLSSocket | undefined): PeerCertificateFacts | undefined {
  if (socket === undefined || typeof socket.getPeerCertificate !== 'function') return undefined;
  let facts = factsBySocket.get(socket);
  if (facts === undefined) {
    facts = readFacts(socket) ?? null;
    factsBySocket.set(socket, facts);
  }
  return facts ?? undefined;
}

function readFacts(socket: TLSSocket): PeerCertificateFacts | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  // Without a certificate Node answers an empty object.
  if (certificate?.subject === undefined) return undefined;
  const { CN, O } = certificate.subject as { CN?: string | string[]; O?: string | string[] };
  const commonName = Array.isArray(CN) ? CN[0] : CN;
  if (commonName === undefined) return undefined;
  return {
    commonName,
    organizations: O === undefined ? [] : Array.isArray(O) ? O : [O],
    fingerprint: certificate.fingerprint256,
    expiresAtMs: Date.parse(certificate.valid_to),
  };
}
