import type { Http2SecureServer } from 'node:http2';
import { connectionsOf } from '#libs/apiserver';
import { cutUntrusted, type Replica } from '#libs/consensus';
import type { Logger } from '#libs/telemetry';
import type { MasterConfig } from '../config.js';
import type { EtcdService } from '../etcd-service.js';
import type { MetricsPorts } from '../telemetry/metrics-ports.js';
import type { Certificates } from './certificates.js';

export interface ReloadTargets {
  readonly api: Http2SecureServer;
  readonly metrics: MetricsPorts;
  /** Absent with an external etcd: there are no peers. */
  readonly replica: Replica | undefined;
  readonly etcd: EtcdService;
}

/**
 * Hands changed certificates to whatever listens. Connections that begin from then on use them; those whose client was
 * vouched for by an authority that is gone are cut.
 */
export function reloadOnChange(
  certificates: Certificates,
  config: MasterConfig,
  targets: ReloadTargets,
  logger: Logger,
): void {
  const { api, metrics, replica, etcd } = targets;
  certificates.onChange((now, before) => {
    const { serving, peer } = certificates.own;
    const old = before.masters[config.name];
    if (serving.certificate !== old?.serving.certificate || now.ca.certificate !== before.ca.certificate) {
      const ca = now.ca.certificate;
      api.setSecureContext({ key: serving.privateKey, cert: serving.certificate, ca });
      cutUntrusted(connectionsOf(api), ca);
      metrics.reload(serving, ca);
      logger.info('certificates of the API and of the metrics ports were reloaded');
    }
    if (peer.certificate !== old?.peer.certificate || now.peerCa.certificate !== before.peerCa.certificate) {
      replica?.reloadTls({
        ca: now.peerCa.certificate,
        certificate: peer.certificate,
        privateKey: peer.privateKey,
      });
      logger.info('certificates for peers were reloaded');
    }
    etcd.reload().catch((error: Error) => {
      logger.warn({ error: error.message }, "certificates of etcd's service were not reloaded");
    });
  });
}
