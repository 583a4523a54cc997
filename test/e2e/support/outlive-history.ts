import { Api, configMap } from './api.js';
import type { TestCluster } from './cluster.js';

const path = '/api/v1/namespaces/default/configmaps';
const connections = 32;

/** The masters keep the last 20,000 revisions: writes more than that, so that older ones are compacted away. */
export async function outliveHistory(cluster: TestCluster): Promise<void> {
  const api = Api.of(cluster, { connections });
  let left = 23_000;
  const writer = async (_: unknown, id: number): Promise<void> => {
    await api.call('POST', path, { body: configMap(`history-${id}`) });
    while (left > 0) {
      left -= 1;
      const body = configMap(`history-${id}`, { left: `${left}` });
      const reply = await api.call('PUT', `${path}/history-${id}`, { body });
      if (reply.status !== 200) throw new Error(reply.text);
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, writer));
  } finally {
    api.close();
  }
}
