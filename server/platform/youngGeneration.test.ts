import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { withDeadline } from '../testing/withDeadline.ts';
import { letYoungGenerationGrow, youngGenerationSize } from './youngGeneration.ts';

const MIB = 2 ** 20;

/** The young generation of a new thread, in bytes, after 20 MB have survived in it. */
async function sizeAfterSurvivors(isAllowed: boolean): Promise<number> {
  const thread = new Worker(
    `const { parentPort } = require('node:worker_threads');
    parentPort.once('message', () => {
      const kept = [];
      for (let n = 0; n < 300_000; n++) kept.push({ n, list: [n] });
      const spaces = require('node:v8').getHeapSpaceStatistics();
      const { space_size } = spaces.find(({ space_name }) => space_name === 'new_space');
      parentPort.postMessage(kept.length > 0 && space_size);
    });`,
    { eval: true },
  );
  await withDeadline('the thread', once(thread, 'online'), 60_000);
  // A thread's start resets it.
  letYoungGenerationGrow(isAllowed);
  thread.postMessage('begin');
  const [size] = (await withDeadline('the size', once(thread, 'message'), 60_000)) as [number];
  await thread.terminate();
  return size;
}

afterEach(() => letYoungGenerationGrow(true));

describe('the young generation', () => {
  it('stays as it is, or grows', async () => {
    expect(await sizeAfterSurvivors(false)).toBeLessThan(6 * MIB);
    expect(await sizeAfterSurvivors(true)).toBeGreaterThan(8 * MIB);
  });

  it('has a size', () => {
    expect(youngGenerationSize()).toBeGreaterThan(0);
  });
});
