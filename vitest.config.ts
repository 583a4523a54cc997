import { defineConfig } from 'vitest/config';

// Two projects: `unit` stands beside the code and starts nothing; `e2e` starts real processes and clients.
const resolve = { conditions: ['source', 'node', 'import', 'module', 'default'] };
const ssr = { resolve: { conditions: ['source', 'node', 'import', 'module', 'default'] } };

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
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
