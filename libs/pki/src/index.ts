/**
 * pki: the cluster's authorities, certificates, service-account keys and kubeconfigs.
 *
 * One call at start gives everything, and gives the same the next time:
 *
 *     const pki = await ensureClusterPki(dataDir, { masters: ['m1', 'm2', 'm3'], hosts: ['10.0.0.7'] });
 *     listen({ cert: pki.masters.m1.serving.certificate, key: pki.masters.m1.serving.privateKey });
 *     await mergeKubeconfig(resolveKubeconfigPath(), { name: 'trireme', server, caPem: pki.ca.certificate, … });
 *
 * Three authorities keep three kinds of trust apart: `ca` (API clients and servers), `peer-ca` (masters among
 * themselves), `front-proxy-ca` (who may speak for a user towards aggregated servers); where the etcd service is on, a
 * fourth, `etcd-ca`, for it and its clients. Keys are EC P-256. Files are
 * 0600 and replaced atomically; what fails is a PkiError whose message names the file and the remedy.
 */
export * from './types.js';
export { createCertificateAuthority, issueCertificate, type AuthorityOptions } from './certificate.js';
export {
  ensureClusterPki,
  ensureNodeCertificates,
  type ClusterPki,
  type ClusterPkiOptions,
  type MasterCertificates,
  type PkiPaths,
} from './cluster-pki.js';
export { ensureEtcdPki, type EtcdPki, type EtcdPkiOptions } from './etcd-pki.js';
export { kubeconfig, type KubeconfigEntry } from './kubeconfig.js';
export { mergeKubeconfig, removeFromKubeconfig, resolveKubeconfigPath } from './kubeconfig-file.js';
