import { defineConfig } from 'vitest/config';
import { sortTests } from './scripts/testing/testGroups.ts';

const { unit, nginx, servers, made } = sortTests();

/** One after the other: whole servers side by side would measure each other's load. */
const serial = (name: string, include: readonly string[], groupOrder: number) => ({
  extends: true as const,
  test: { name, include: [...include], fileParallelism: false, sequence: { groupOrder } },
});

export default defineConfig({
  test: {
    globalSetup: ['./scripts/testing/generate.ts'],
    // ONNX Runtime sends telemetry unless this is set.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', './scripts/testing/totalsReporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: [...unit], maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      serial('nginx', nginx, 1),
      serial('servers', servers, 2),
      serial('made', made, 3),
    ],
  },
});
