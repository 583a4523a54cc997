import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type * as x509 from '@peculiar/x509';
import { PkiError, type CertificateRequest, type KeyPair } from './types.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
/** Clocks of other machines may be behind ours. */
const skewMs = 300_000;

type X509 = typeof x509;
let loading: Promise<X509> | undefined;

/**
 * The X.509 writer costs about 95 ms to load, and a restart that finds its certificates on disk never
 * needs it (reading them is node:crypto's business): hence loaded on first issue.
 */
function load(): Promise<X509> {
  loading ??= (async () => {
    await import('reflect-metadata');
    const library = await import('@peculiar/x509');
    library.cryptoProvider.set(webcrypto);
    return library;
  })();
  return loading;
}

/** A positive serial number of 127 random bits (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function generateKeys(): Promise<{ keys: webcrypto.CryptoKeyPair; privateKey: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = pkcs8.match(/.{1,64}/g) ?? [];
  return {
    keys,
    privateKey: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
  };
}

async function importSigner(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const key: KeyObject = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ec') {
    throw new PkiError(
      'BadRequest',
      `an authority's key must be EC P-256, this one is ${key.asymmetricKeyType}`,
    );
  }
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  };
}

export interface AuthorityOptions {
  /** Days of validity, 3650 by default. */
  readonly days?: number;
  readonly now?: Date;
  /** Renewal: the authority's present key, PEM. Certificates signed with it stay valid under the new certificate. */
  readonly privateKey?: string;
}

/**
 * A self-signed certificate authority (EC P-256, path length 0) with this common name. About 10 ms once the
 * X.509 writer is loaded.
 */
export async function createCertificateAuthority(
  name: string,
  options: AuthorityOptions = {},
): Promise<KeyPair> {
  const library = await load();
  const now = options.now ?? new Date();
  const { keys, privateKey } =
    options.privateKey === undefined
      ? await generateKeys()
      : { keys: await importSigner(options.privateKey), privateKey: options.privateKey };
  const certificate = await library.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    notBefore: new Date(now.getTime() - skewMs),
    notAfter: new Date(now.getTime() + (options.days ?? 3650) * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new library.BasicConstraintsExtension(true, 0, true),
      new library.KeyUsagesExtension(
        library.KeyUsageFlags.keyCertSign |
          library.KeyUsageFlags.cRLSign |
          library.KeyUsageFlags.digitalSignature,
        true,
      ),
      await library.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, privateKey };
}

function alternativeNames(request: CertificateRequest): x509.JsonGeneralName[] {
  for (const address of request.ipAddresses ?? []) {
    if (isIP(address) === 0) throw new PkiError('BadRequest', `"${address}" is not an IP address`);
  }
  return [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ...(request.uris ?? []).map((value) => ({ type: 'url' as const, value })),
  ];
}

/**
 * A new key and a certificate for it, signed by `authority`: common name is the Kubernetes user, organizations
 * are its groups. About 2 ms once the X.509 writer is loaded. Throws PkiError BadRequest on a bad address
 * or an authority whose key is not EC.
 */
export async function issueCertificate(
  authority: KeyPair,
  request: CertificateRequest,
  now = new Date(),
): Promise<KeyPair> {
  const library = await load();
  const issuer = new library.X509Certificate(authority.certificate);
  const signer = await importSigner(authority.privateKey);
  const { keys, privateKey } = await generateKeys();
  const wanted = now.getTime() + (request.days ?? 365) * dayMs;
  const names = alternativeNames(request);
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    // One relative name an organization: order is kept, and each is a group of its own.
    subject: [
      ...(request.organizations ?? []).map((group) => ({ O: [group] })),
      { CN: [request.commonName] },
    ],
    issuer: issuer.subjectName.toJSON(),
    notBefore: new Date(now.getTime() - skewMs),
    notAfter: new Date(Math.min(wanted, issuer.notAfter.getTime())),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    extensions: [
      new library.BasicConstraintsExtension(false, undefined, true),
      new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
      new library.ExtendedKeyUsageExtension(
        request.usages.map((usage) =>
          usage === 'server' ? library.ExtendedKeyUsage.serverAuth : library.ExtendedKeyUsage.clientAuth,
        ),
      ),
      await library.AuthorityKeyIdentifierExtension.create(signer.publicKey),
      ...(names.length === 0 ? [] : [new library.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, privateKey };
}
