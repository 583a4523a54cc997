import { createPublicKey, createPrivateKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';

/** Keys of service-account tokens, PEM. Old public keys keep verifying while a key is being replaced. */
export interface TokenKeyOptions {
  readonly privateKey: string;
  /** Beside the one that belongs to `privateKey`. */
  readonly otherPublicKeys?: readonly string[];
}

export interface TokenKeys {
  readonly algorithm: 'ES256' | 'RS256';
  readonly keyId: string;
  readonly privateKey: KeyObject;
  /** By key id. */
  readonly publicKeys: ReadonlyMap<string, { readonly algorithm: string; readonly key: KeyObject }>;
  /** RFC 7517, what /openid/v1/jwks serves. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

function algorithmOf(key: KeyObject): 'ES256' | 'RS256' {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw new Error(
    `service-account keys must be EC P-256 or RSA, this one is ${key.asymmetricKeyType} ${key.asymmetricKeyDetails?.namedCurve ?? ''}`,
  );
}

/** Reads the keys; ids are RFC 7638 thumbprints, so that every master names a key alike. Throws on other kinds of key. */
export async function loadTokenKeys(options: TokenKeyOptions): Promise<TokenKeys> {
  const privateKey = createPrivateKey(options.privateKey);
  const own = createPublicKey(privateKey);
  const publicKeys = new Map<string, { algorithm: string; key: KeyObject }>();
  const jwks: JWK[] = [];
  let keyId = '';
  for (const key of [own, ...(options.otherPublicKeys ?? []).map((pem) => createPublicKey(pem))]) {
    const jwk = await exportJWK(key);
    const kid = await calculateJwkThumbprint(jwk);
    if (keyId === '') keyId = kid;
    if (publicKeys.has(kid)) continue;
    const algorithm = algorithmOf(key);
    publicKeys.set(kid, { algorithm, key });
    jwks.push({ use: 'sig', kid, alg: algorithm, ...jwk });
  }
  return { algorithm: algorithmOf(own), keyId, privateKey, publicKeys, jwks: { keys: jwks } };
}
