import { monitorEventLoopDelay } from 'node:perf_hooks';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Pool } from '../inference/pool.ts';
import { listFolder } from '../repository/folder.ts';
import type { Candidate } from '../repository/listing.ts';
import { builtThread } from '../testing/builtThread.ts';
import { largeForest } from '../testing/largeForest.ts';
import { createStrictPool } from '../testing/strictPool.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import type { Loader } from './loader.ts';
import { createLoader } from './loader.ts';
import type { LoadingThread } from './loadingThread.ts';
import { createLoadingThread } from './loadingThread.ts';

const OPEN_MS = 120_000;
/** On the event loop it took 1.5 s and more. Busy neighbours hold it for some tens of milliseconds. */
const MOST_DELAY_MS = 300;

const started: (LoadingThread | Pool)[] = [];
afterEach(() =>
  withDeadline('the end of the threads', Promise.all(started.splice(0).map((one) => one.close()))),
);

function startLoader(maxModelBytes: number): { loader: Loader; pool: Pool } {
  const thread = createLoadingThread({ entry: builtThread('server/loading/thread'), timeoutMs: OPEN_MS });
  const pool = createStrictPool(1, OPEN_MS);
  started.push(thread, pool);
  const inline = { prepare: () => {} };
  const recorder = { loaded: () => {}, unloaded: () => {} };
  return { loader: createLoader({ thread, pool, inline, recorder, compile: true, maxModelBytes }), pool };
}

/** A repository with one model that is nothing but its ONNX file. */
const withModel = (onnx: Uint8Array, run: (candidate: Candidate) => Promise<void>): Promise<void> =>
  withTemporaryFolder(async (repository) => {
    mkdirSync(join(repository, 'large/1'), { recursive: true });
    writeFileSync(join(repository, 'large/1/model.onnx'), onnx);
    const [candidate] = (await listFolder(repository)).candidates;
    await run(candidate as Candidate);
  });

describe('a large forest', () => {
  it('is opened while the event loop turns', { timeout: 2 * OPEN_MS }, () =>
    withModel(largeForest({ trees: 200, depth: 12, features: 14 }), async (candidate) => {
      const { loader, pool } = startLoader(2 ** 30);
      const delays = monitorEventLoopDelay({ resolution: 5 });
      delays.enable();
      const { model } = await loader.open(candidate, { beside: true, trusted: false });
      delays.disable();
      expect(model.engine).toMatchObject({ engine: 'forest', path: 'lifted', batching: 'batch' });
      expect(delays.max / 1e6).toBeLessThan(MOST_DELAY_MS);
      const [lane] = pool.lanes;
      expect(await lane?.run(model, 1, [])).toMatchObject({ ok: true });
    }),
  );

  it('is refused unread above MAX_MODEL_BYTES, by its name', () =>
    withModel(largeForest({ trees: 2, depth: 4, features: 3 }), async (candidate) => {
      const { loader } = startLoader(1024);
      await expect(loader.open(candidate, { beside: false, trusted: false })).rejects.toThrow(
        /^model large\/1 refused: model\.onnx has \d+ bytes, more than MAX_MODEL_BYTES allows \(1024\)$/,
      );
    }));
});
