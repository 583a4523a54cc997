import { TestEtcd } from '../testing/etcd-server.js';
import { afterAll, beforeAll } from 'vitest';
import { describeReplicatedContract } from '../testing/replicated-contract.js';
import { describeStorageContract } from '../testing/storage-contract.js';
import type { ContractEngine } from '../testing/storage-contract-support.js';
import { ExternalCluster } from './testing/external-cluster.js';

let etcd: TestEtcd;
let clusters = 0;
beforeAll(async () => {
  etcd = await TestEtcd.start();
});
afterAll(() => etcd.stop());

const engine: ContractEngine = {
  name: 'an external etcd',
  async open(size, options) {
    const cluster = new ExternalCluster(`etcd://${etcd.hosts}/contract-${clusters++}`, size, options);
    await cluster.openAll();
    return { replicas: [...cluster.replicas.values()], destroy: () => cluster.destroy() };
  },
};

describeStorageContract(engine);
describeReplicatedContract(engine);
