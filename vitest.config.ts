import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{server,worker,proxy,scripts}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Chain tests start whole servers: side by side they would measure each other's load.
    fileParallelism: false,
    reporters: ['default', './scripts/testing/totalsReporter.ts'],
  },
});
