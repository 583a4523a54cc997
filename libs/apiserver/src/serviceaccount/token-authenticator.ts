import { createHash } from 'node:crypto';
import { ApiError, unauthorized, type KubernetesObject } from '#libs/apimachinery';
import { errors, jwtVerify } from 'jose';
import type { Clock } from '../clock.js';
import type { UserInfo } from '../request.js';
import { serviceAccountUsername, type KubernetesClaim, type NamedUid } from './claims.js';
import type { ObjectLookup } from './object-lookup.js';
import type { TokenKeys } from './token-keys.js';

export interface TokenAuthenticatorOptions {
  readonly keys: TokenKeys;
  /** Who issued; also tokens of former issuers are taken when they are listed here. The first signs. */
  readonly issuers: readonly string[];
  /** Audiences that name this API server. */
  readonly audiences: readonly string[];
  readonly lookup: ObjectLookup;
  readonly clock: Clock;
}

export interface AuthenticatedToken {
  readonly user: UserInfo;
  /** Those of the token that were asked for. */
  readonly audiences: readonly string[];
}

/** What the token stands on in the store. It is looked at again whenever its revision has changed. */
interface Binding {
  readonly resource: 'serviceaccounts' | 'pods' | 'secrets' | 'nodes';
  readonly namespace: string;
  readonly named: NamedUid;
  revision: number;
}

interface VerifiedToken {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
  readonly expiresMs: number;
  readonly bindings: readonly Binding[];
}

const cachedMax = 16_384;
const leewaySeconds = 60;
const tokenBytesMax = 16_384;

/**
 * Tokens of service accounts. The signature is verified once a token (the result is kept under the token's SHA-256
 * until it expires); that the service account, pod, secret and node which it is bound to still are the same is looked up
 * in the local replica at every request, so a token dies with its pod.
 */
export class ServiceAccountTokenAuthenticator {
  readonly #verified = new Map<string, VerifiedToken>();

  constructor(readonly options: TokenAuthenticatorOptions) {}

  /**
   * `audiences` are those that the caller wants the token to be for, the API server's own by default.
   * Throws ApiError 401; the reason is told only to those who may review tokens (`explain`).
   */
  authenticate(
    token: string,
    audiences: readonly string[] = this.options.audiences,
  ): AuthenticatedToken | Promise<AuthenticatedToken> {
    if (token.length > tokenBytesMax) throw unauthorized();
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.#verified.get(hash);
    if (known === undefined) {
      return this.#verify(token).then((verified) => {
        if (this.#verified.size >= cachedMax) this.#forgetOldest();
        this.#verified.set(hash, verified);
        return this.#admit(verified, audiences);
      });
    }
    if (known.expiresMs <= this.options.clock.nowMs()) {
      this.#verified.delete(hash);
      throw unauthorized();
    }
    return this.#admit(known, audiences);
  }

  #forgetOldest(): void {
    let excess = this.#verified.size - cachedMax + 1;
    for (const key of this.#verified.keys()) {
      if (excess-- <= 0) break;
      this.#verified.delete(key);
    }
  }

  #admit(verified: VerifiedToken, wanted: readonly string[]): AuthenticatedToken {
    const audiences = verified.audiences.filter((audience) => wanted.includes(audience));
    if (audiences.length === 0) throw unauthorized();
    for (const binding of verified.bindings) this.#checkBinding(binding);
    return { user: verified.user, audiences };
  }

  #checkBinding(binding: Binding): void {
    const found = this.options.lookup.find(binding.resource, binding.namespace, binding.named.name);
    if (found === undefined) throw unauthorized();
    if (found.revision === binding.revision && binding.revision !== 0) return;
    const object = found.object();
    if (object.metadata.uid !== binding.named.uid) throw unauthorized();
    const goneMs = deletedAtMs(object);
    if (goneMs === undefined) {
      binding.revision = found.revision;
      return;
    }
    // Being deleted: looked at each time, until the grace has passed and a minute more.
    if (goneMs + leewaySeconds * 1000 < this.options.clock.nowMs()) throw unauthorized();
  }

  async #verify(token: string): Promise<VerifiedToken> {
    const { keys, issuers, clock } = this.options;
    let payload: Awaited<ReturnType<typeof jwtVerify>>['payload'];
    try {
      const verified = await jwtVerify(
        token,
        (header) => {
          const entry = keys.publicKeys.get(header.kid ?? '');
          if (entry === undefined || entry.algorithm !== header.alg) throw unauthorized();
          return entry.key;
        },
        {
          issuer: [...issuers],
          algorithms: ['ES256', 'RS256'],
          currentDate: new Date(clock.nowMs()),
          // Another master's clock may be ahead of this one's. (The end is checked to the second below.)
          clockTolerance: leewaySeconds,
          requiredClaims: ['exp', 'aud', 'sub', 'kubernetes.io'],
        },
      );
      payload = verified.payload;
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof ApiError) throw unauthorized();
      throw error;
    }
    const expiresMs = (payload.exp ?? 0) * 1000;
    if (expiresMs <= clock.nowMs()) throw unauthorized();
    const claim = kubernetesClaim(payload['kubernetes.io']);
    if (
      claim === undefined ||
      payload.sub !== serviceAccountUsername(claim.namespace, claim.serviceaccount.name)
    ) {
      throw unauthorized();
    }
    return {
      user: userOf(claim, payload.sub, payload.jti),
      audiences: [payload.aud ?? []].flat(),
      expiresMs,
      bindings: bindingsOf(claim),
    };
  }
}

/** When the object's own grace ends, undefined when nobody has deleted it. */
function deletedAtMs(object: KubernetesObject): number | undefined {
  const at = object.metadata.deletionTimestamp;
  return at === undefined ? undefined : Date.parse(at);
}

function namedUid(value: unknown): NamedUid | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, uid } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof uid === 'string' && name !== '' ? { name, uid } : undefined;
}

/** The claim when it is well formed. An optional part that is there but malformed spoils it: a binding is never ignored. */
function kubernetesClaim(value: unknown): KubernetesClaim | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const raw = value as Record<string, unknown>;
  const serviceaccount = namedUid(raw['serviceaccount']);
  if (typeof raw['namespace'] !== 'string' || serviceaccount === undefined) return undefined;
  const optional: Record<string, NamedUid> = {};
  for (const field of ['pod', 'secret', 'node']) {
    if (raw[field] === undefined) continue;
    const named = namedUid(raw[field]);
    if (named === undefined) return undefined;
    optional[field] = named;
  }
  return { namespace: raw['namespace'], serviceaccount, ...optional };
}

function bindingsOf(claim: KubernetesClaim): Binding[] {
  const { namespace, serviceaccount, pod, secret, node } = claim;
  const bindings: Binding[] = [
    { resource: 'serviceaccounts', namespace, named: serviceaccount, revision: 0 },
  ];
  if (pod !== undefined) bindings.push({ resource: 'pods', namespace, named: pod, revision: 0 });
  if (secret !== undefined) bindings.push({ resource: 'secrets', namespace, named: secret, revision: 0 });
  // Beside a pod, the node only tells where it runs: the pod's end is what ends the token.
  if (node !== undefined && pod === undefined) {
    bindings.push({ resource: 'nodes', namespace: '', named: node, revision: 0 });
  }
  return bindings;
}

function userOf(claim: KubernetesClaim, username: string, jti: string | undefined): UserInfo {
  const extra: Record<string, readonly string[]> = {};
  const prefix = 'authentication.kubernetes.io/';
  if (jti !== undefined) extra[`${prefix}credential-id`] = [`JTI=${jti}`];
  for (const field of ['pod', 'node'] as const) {
    const named = claim[field];
    if (named === undefined) continue;
    extra[`${prefix}${field}-name`] = [named.name];
    extra[`${prefix}${field}-uid`] = [named.uid];
  }
  return {
    username,
    uid: claim.serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${claim.namespace}`, 'system:authenticated'],
    extra,
  };
}
