import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{server,worker,proxy,scripts,deploy}/**/*.test.ts'],
    globalSetup: ['./scripts/testing/generate.ts'],
    // ONNX Runtime sends telemetry unless it is told not to.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Chain tests start whole servers: side by side they would measure each other's load.
    fileParallelism: false,
    reporters: ['default', './scripts/testing/totalsReporter.ts'],
  },
});
