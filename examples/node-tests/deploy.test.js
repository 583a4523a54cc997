// `npm install && npm test`. A cluster a file; test files run side by side, each with a cluster of its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { startCluster } from 'trireme';
import { deploy } from './deploy.js';

/** @type {import('trireme').RunningCluster} */
let cluster;
const config = new KubeConfig();

before(async () => {
  cluster = await startCluster({ masters: 1, nodes: 2 });
  config.loadFromFile(cluster.kubeconfig);
});

after(async () => cluster.stop());

test('a deployment becomes available', { timeout: 60_000 }, async () => {
  await deploy(config, 'web', 3);
  const { items } = await config
    .makeApiClient(CoreV1Api)
    .listNamespacedPod({ namespace: 'default', labelSelector: 'app=web' });
  assert.deepEqual(
    items.map(({ status }) => status?.phase),
    ['Running', 'Running', 'Running'],
  );
});
