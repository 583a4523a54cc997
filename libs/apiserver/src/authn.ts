import type { UserInfo } from './request.js';

/** Facts of one request that say who asks. Made by the HTTP adapter; the certificate facts are read once a connection. */
export interface AuthenticationFacts {
  /** Subject of the client certificate, undefined without one or when it does not chain to the client CA. */
  readonly peerCertificate: PeerCertificateFacts | undefined;
  /** The `authorization` header as sent. */
  readonly authorization: string | undefined;
  readonly remoteAddress: string;
  /** Headers with lower-case names, for bearer tokens in `sec-websocket-protocol` and front-proxy headers. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface PeerCertificateFacts {
  /** CN: the user name. */
  readonly commonName: string;
  /** O: the groups. */
  readonly organizations: readonly string[];
  /** SHA-256, hex, upper case with colons as Node prints it. */
  readonly fingerprint: string;
  /** When it ends, in milliseconds since the epoch. */
  readonly expiresAtMs?: number;
}

/**
 * Says who asks. Answers undefined when the request carries no credentials at all (anonymous); throws
 * ApiError 401 when it carries some that are not valid.
 */
export interface Authenticator {
  authenticate(facts: AuthenticationFacts): UserInfo | undefined | Promise<UserInfo | undefined>;
}

/** Who asks without credentials. Reaches only what security.md opens to everybody. */
export const anonymousUser: UserInfo = {
  username: 'system:anonymous',
  groups: ['system:unauthenticated'],
};
