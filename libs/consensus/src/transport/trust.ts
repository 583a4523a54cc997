import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Whether one of the authorities in a PEM bundle has signed a certificate. */
export function isSignedBy(bundle: string, certificate: X509Certificate): boolean {
  return (bundle.match(pemCertificate) ?? []).some((pem) => {
    const authority = new X509Certificate(pem);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
}

/**
 * Cuts the connections whose other end shows a certificate that none of these authorities has signed: TLS looks at it once,
 * when a connection begins, and an authority that was withdrawn must not live on for as long as its clients stay.
 */
export function cutUntrusted(sockets: Iterable<TLSSocket>, bundle: string): void {
  for (const socket of sockets) {
    const certificate = socket.getPeerX509Certificate();
    if (certificate !== undefined && !isSignedBy(bundle, certificate)) socket.destroy();
  }
}
