/** A certificate with its key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** Kubernetes groups. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly uris?: readonly string[];
  readonly usages: readonly ('server' | 'client')[];
  /** Days of validity, 365 by default, never beyond the authority's own end. */
  readonly days?: number;
}

/** Keys that sign and verify service-account tokens (EC P-256, ES256), PEM. */
export interface SigningKeys {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** What went wrong with a file of the PKI or a kubeconfig: the message names the file and what to do. */
export class PkiError extends Error {
  override readonly name = 'PkiError';
  constructor(
    readonly code: 'NotWritable' | 'Damaged' | 'Missing' | 'Locked' | 'BadRequest',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
