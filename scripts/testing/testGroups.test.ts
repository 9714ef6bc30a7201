import { expect, it } from 'vitest';
import { sortTests } from './testGroups.ts';

const groups = sortTests();

it.each([
  ['unit', 'server/inference/pool.test.ts'],
  ['nginx', 'proxy/errors.test.ts'],
  ['servers', 'proxy/chain.test.ts'],
  ['servers', 'worker/forest/speed.test.ts'],
  ['servers', 'server/encoding/bytes/speed.test.ts'],
  ['made', 'server/e2e/s3.test.ts'],
  // By an import of an import: the fault that fills a disk starts an S3 server.
  ['made', 'scripts/verify/chaos/chaos.test.ts'],
] as const)('%s has %s', (group, path) => expect(groups[group]).toContain(path));

it('a test is in one group alone', () => {
  const all = Object.values(groups).flat();
  expect(all.length).toBeGreaterThan(100);
  expect(new Set(all).size).toBe(all.length);
});
