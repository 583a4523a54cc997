import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import { createCertificateAuthority, issueCertificate } from './certificate.js';
import { makeDirectory, readIfPresent, writeFileAtomic } from './files.js';
import { PkiError, type CertificateRequest, type KeyPair, type SigningKeys } from './types.js';

/** Raised in a read-only pass when something is missing or due: the caller then takes the lock and writes. */
export class NeedsWriting extends Error {}

/** Certificates and keys are renewed when less than this is left, or a third of their life if that is shorter. */
const renewBeforeMs = 30 * 86_400_000;

function parse(path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new PkiError(
      'Damaged',
      `${path} is not a PEM certificate. Restore it from a backup, or remove it together with its key to have it issued anew.`,
      { cause: error },
    );
  }
}

function isDue(certificate: X509Certificate, now: Date, early: boolean): boolean {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  const left = to - now.getTime();
  return now.getTime() < from || left < (early ? Math.min(renewBeforeMs, (to - from) / 3) : 0);
}

/** True when key and certificate belong together; a crash between the two writes leaves a pair that do not. */
function belongTogether(certificate: X509Certificate, privateKey: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false; // not a key at all: the pair is issued anew
  }
}

function subjectOf(request: CertificateRequest): string {
  return [...(request.organizations ?? []).map((group) => `O=${group}`), `CN=${request.commonName}`].join(
    '\n',
  );
}

function covers(certificate: X509Certificate, request: CertificateRequest): boolean {
  if (certificate.subject !== subjectOf(request)) return false;
  const names = certificate.subjectAltName ?? '';
  return (
    (request.dnsNames ?? []).every(
      (name) => certificate.checkHost(name, { subject: 'never' }) !== undefined,
    ) &&
    (request.ipAddresses ?? []).every((address) => certificate.checkIP(address) !== undefined) &&
    (request.uris ?? []).every((uri) => names.includes(`URI:${uri}`))
  );
}

/**
 * Key pairs by name below one directory: `<name>.crt` and `<name>.key`. Each method returns what is there when
 * it still serves, and issues it otherwise, or throws NeedsWriting when `mayWrite` is false.
 */
export class PkiStore {
  constructor(
    readonly directory: string,
    readonly now: Date,
    readonly mayWrite: boolean,
    /** False takes what is near its end as long as it is valid: for a directory that somebody else renews. */
    readonly renewsEarly = true,
  ) {}

  private path(file: string): string {
    return join(this.directory, file);
  }

  async read(name: string): Promise<KeyPair | undefined> {
    const certificate = await readIfPresent(this.path(`${name}.crt`));
    const privateKey = await readIfPresent(this.path(`${name}.key`));
    return certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey };
  }

  private demandWriting(): void {
    if (!this.mayWrite) throw new NeedsWriting();
  }

  /** The key first: a certificate whose key never reached the disk would look whole. */
  private async write(name: string, pair: KeyPair): Promise<KeyPair> {
    await makeDirectory(dirname(this.path(name)));
    await writeFileAtomic(this.path(`${name}.key`), pair.privateKey);
    await writeFileAtomic(this.path(`${name}.crt`), pair.certificate);
    return pair;
  }

  /**
   * An authority. Unlike a leaf it is never replaced by a new key here: everything that was signed by it
   * would stop working. Near its end it gets a new certificate for its old key.
   */
  async authority(name: string, commonName: string): Promise<KeyPair> {
    const certificate = await readIfPresent(this.path(`${name}.crt`));
    const privateKey = await readIfPresent(this.path(`${name}.key`));
    if (certificate === undefined && privateKey === undefined) {
      this.demandWriting();
      return this.write(name, await createCertificateAuthority(commonName, { now: this.now }));
    }
    if (privateKey === undefined) {
      throw new PkiError(
        'Missing',
        `${this.path(`${name}.key`)} is missing although its certificate is there. Restore the key, or remove ${this.directory} to start with new certificates (existing kubeconfigs stop working).`,
      );
    }
    if (certificate !== undefined) {
      const parsed = parse(this.path(`${name}.crt`), certificate);
      if (!belongTogether(parsed, privateKey)) {
        throw new PkiError(
          'Damaged',
          `${this.path(`${name}.crt`)} and ${name}.key do not belong together. Restore both from one backup, or remove ${this.directory} to start with new certificates (existing kubeconfigs stop working).`,
        );
      }
      if (!isDue(parsed, this.now, this.renewsEarly)) return { certificate, privateKey };
    }
    this.demandWriting();
    return this.write(name, await createCertificateAuthority(commonName, { now: this.now, privateKey }));
  }

  async leaf(name: string, authority: KeyPair, request: CertificateRequest): Promise<KeyPair> {
    const present = await this.read(name);
    if (present !== undefined) {
      const parsed = parse(this.path(`${name}.crt`), present.certificate);
      const issuer = new X509Certificate(authority.certificate);
      const serves =
        belongTogether(parsed, present.privateKey) &&
        parsed.verify(issuer.publicKey) &&
        covers(parsed, request) &&
        !isDue(parsed, this.now, this.renewsEarly);
      if (serves) return present;
    }
    this.demandWriting();
    return this.write(name, await issueCertificate(authority, request, this.now));
  }

  async signingKeys(name: string): Promise<SigningKeys> {
    const privateKey = await readIfPresent(this.path(`${name}.key`));
    const publicKey = await readIfPresent(this.path(`${name}.pub`));
    if (privateKey !== undefined) {
      const derived = publicKeyOf(this.path(`${name}.key`), privateKey);
      if (publicKey?.trim() === derived.trim()) return { privateKey, publicKey };
      this.demandWriting();
      await writeFileAtomic(this.path(`${name}.pub`), derived);
      return { privateKey, publicKey: derived };
    }
    this.demandWriting();
    const keys = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    await makeDirectory(this.directory);
    await writeFileAtomic(this.path(`${name}.key`), keys.privateKey);
    await writeFileAtomic(this.path(`${name}.pub`), keys.publicKey);
    return keys;
  }
}

function publicKeyOf(path: string, privateKey: string): string {
  try {
    return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  } catch (error) {
    throw new PkiError(
      'Damaged',
      `${path} is not a PEM private key. Restore it from a backup, or remove it (all service-account tokens become invalid).`,
      { cause: error },
    );
  }
}
