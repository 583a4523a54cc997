import { defineConfig } from 'vitest/config';
import { missingTools } from './scripts/tools.mjs';

// Two projects: `unit` stands beside the code and starts nothing but an etcd to speak to; `e2e` starts real processes and clients.
// The conditions are Node's own for the processes of the tests, too: `import` among them would give modules to `require`.
const resolve = { conditions: ['source', 'node'] };
const ssr = { resolve: { conditions: ['source', 'node'] } };

// What needs a tool that only some machines have is left out where it is absent; `npm test` says so (scripts/tools.mjs).
const missing = new Set(missingTools().map(({ tool }) => tool));
const needs = {
  'libs/consensus/src/external/*etcd.spec.ts': ['etcd', 'etcdctl'],
  'libs/event-store/src/*redis.spec.ts': ['redis-server'],
  'test/e2e/dashboard.spec.ts': ['chromium'],
  'test/e2e/events-in-redis.spec.ts': ['redis-server'],
  'test/e2e/alerts.spec.ts': ['promtool'],
  'test/e2e/etcd-api.spec.ts': ['etcdctl'],
  'test/e2e/external-etcd.spec.ts': ['etcd', 'etcdctl'],
  'test/e2e/etcd-kube-apiserver.spec.ts': ['kube-apiserver'],
  'test/e2e/load-k6.e2e.spec.ts': ['k6'],
  'test/e2e/metrics.spec.ts': ['prometheus', 'promtool'],
};
const leftOut = Object.entries(needs).flatMap(([file, tools]) =>
  tools.some((tool) => missing.has(tool)) ? [file] : [],
);

export default defineConfig({
  resolve,
  ssr,
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['{libs,apps,loadtest}/**/*.spec.ts', 'test/tidy.spec.ts'],
          exclude: leftOut,
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts'],
          exclude: leftOut,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
