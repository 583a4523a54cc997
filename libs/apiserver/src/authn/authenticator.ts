import { unauthorized } from '#libs/apimachinery';
import type { AuthenticationFacts, Authenticator, PeerCertificateFacts } from '../authn.js';
import type { UserInfo } from '../request.js';
import type { ServiceAccountTokenAuthenticator } from '../serviceaccount/token-authenticator.js';

const certificatesMax = 4096;
const webSocketTokenPrefix = 'base64url.bearer.authorization.k8s.io.';

/**
 * The token of the request: `Authorization: Bearer …`, or, from browsers, a WebSocket subprotocol. Throws ApiError 401
 * when the header is there in another form: credentials that are not understood are not "none".
 */
export function bearerToken(facts: AuthenticationFacts): string | undefined {
  if (facts.authorization !== undefined && facts.authorization !== '') {
    const match = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(facts.authorization);
    if (match === null) throw unauthorized();
    return match[1];
  }
  const protocols = facts.headers['sec-websocket-protocol'];
  if (protocols === undefined) return undefined;
  for (const protocol of protocols.split(',')) {
    const trimmed = protocol.trim();
    if (!trimmed.startsWith(webSocketTokenPrefix)) continue;
    const token = Buffer.from(trimmed.slice(webSocketTokenPrefix.length), 'base64url').toString('utf8');
    if (!/^[\x21-\x7e]+$/.test(token)) throw unauthorized();
    return token;
  }
  return undefined;
}

/** CN is the user, each O a group. */
export function certificateUser(certificate: PeerCertificateFacts): UserInfo {
  return {
    username: certificate.commonName,
    groups: [...new Set([...certificate.organizations, 'system:authenticated'])],
    extra: {
      'authentication.kubernetes.io/credential-id': [
        `X509SHA256=${certificate.fingerprint.replaceAll(':', '').toLowerCase()}`,
      ],
    },
  };
}

/**
 * Client certificates, then service-account tokens. The same credentials give the same UserInfo object each time, which
 * what is compiled per user relies on for speed. Front-proxy headers (X-Remote-*) are not looked at: nobody is entitled
 * to them here.
 */
export class RequestAuthenticator implements Authenticator {
  readonly #byFingerprint = new Map<string, UserInfo>();

  constructor(readonly tokens: ServiceAccountTokenAuthenticator | undefined) {}

  authenticate(facts: AuthenticationFacts): UserInfo | undefined | Promise<UserInfo | undefined> {
    if (facts.peerCertificate !== undefined) return this.#byCertificate(facts.peerCertificate);
    const token = bearerToken(facts);
    if (token === undefined) return undefined;
    if (this.tokens === undefined) throw unauthorized();
    const answer = this.tokens.authenticate(token);
    return answer instanceof Promise ? answer.then(({ user }) => user) : answer.user;
  }

  #byCertificate(certificate: PeerCertificateFacts): UserInfo {
    let user = this.#byFingerprint.get(certificate.fingerprint);
    if (user === undefined) {
      if (certificate.commonName === '') throw unauthorized();
      user = certificateUser(certificate);
      if (this.#byFingerprint.size >= certificatesMax) this.#byFingerprint.clear();
      this.#byFingerprint.set(certificate.fingerprint, user);
    }
    return user;
  }
}
