import { createMemoryStorage } from './memory-storage.js';
import { TestCluster } from './testing/cluster.js';
import { describeReplicatedContract } from './testing/replicated-contract.js';
import { describeStorageContract } from './testing/storage-contract.js';
import type { ContractEngine } from './testing/storage-contract-support.js';

const raft: ContractEngine = {
  name: 'the embedded Raft group',
  async open(size, options) {
    const cluster = await TestCluster.create(size, options);
    await cluster.openAll();
    return { replicas: [...cluster.replicas.values()], destroy: () => cluster.destroy() };
  },
};

describeStorageContract(raft);
describeReplicatedContract(raft);

describeStorageContract({
  name: 'the engine in memory',
  async open(_size, { retentionRevisions }) {
    const storage = createMemoryStorage({ tickMs: 20, retentionRevisions });
    return { replicas: [storage], destroy: () => storage.close() };
  },
});
