import { AppsV1Api } from '@kubernetes/client-node';

/**
 * Creates a Deployment and resolves once all its replicas are available: what the tests are about.
 *
 * @param {import('@kubernetes/client-node').KubeConfig} config
 * @param {string} name
 * @param {number} replicas
 */
export async function deploy(config, name, replicas) {
  const apps = config.makeApiClient(AppsV1Api);
  const labels = { app: name };
  const body = {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name, image: 'example/web:1' }] } },
    },
  };
  await apps.createNamespacedDeployment({ namespace: 'default', body });
  for (;;) {
    const { status } = await apps.readNamespacedDeployment({ namespace: 'default', name });
    if (status?.availableReplicas === replicas) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
