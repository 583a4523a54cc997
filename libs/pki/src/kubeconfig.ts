import { X509Certificate } from 'node:crypto';

export interface KubeconfigEntry {
  /** Names the cluster, the user and the context. */
  readonly name: string;
  /** https URL of the API. */
  readonly server: string;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/** The three parts of an entry as a kubeconfig holds them. */
export function kubeconfigParts(entry: KubeconfigEntry): {
  cluster: { name: string; cluster: Record<string, string> };
  user: { name: string; user: Record<string, string> };
  context: { name: string; context: Record<string, string> };
} {
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
  return {
    cluster: {
      name: entry.name,
      cluster: { 'certificate-authority-data': base64(entry.caPem), server: entry.server },
    },
    user: {
      name: entry.name,
      user: { 'client-certificate-data': base64(entry.certPem), 'client-key-data': base64(entry.keyPem) },
    },
    context: { name: entry.name, context: { cluster: entry.name, user: entry.name } },
  };
}

/**
 * A kubeconfig (YAML text) with one cluster, one user and the context between them, made current. Throws when
 * a PEM is not a certificate.
 */
export function kubeconfig(entry: KubeconfigEntry): string {
  for (const pem of [entry.caPem, entry.certPem]) new X509Certificate(pem).toString();
  const { cluster, user, context } = kubeconfigParts(entry);
  // JSON strings are YAML strings, so no YAML writer is loaded for this.
  const q = (value: string | undefined): string => JSON.stringify(value ?? '');
  return `apiVersion: v1
kind: Config
clusters:
- name: ${q(cluster.name)}
  cluster:
    certificate-authority-data: ${cluster.cluster['certificate-authority-data']}
    server: ${q(cluster.cluster['server'])}
users:
- name: ${q(user.name)}
  user:
    client-certificate-data: ${user.user['client-certificate-data']}
    client-key-data: ${user.user['client-key-data']}
contexts:
- name: ${q(context.name)}
  context:
    cluster: ${q(context.context['cluster'])}
    user: ${q(context.context['user'])}
current-context: ${q(entry.name)}
preferences: {}
`;
}
