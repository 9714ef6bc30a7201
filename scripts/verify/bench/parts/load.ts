import { Failure } from '../../../cli/faults.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import type { Part } from '../part.ts';
import { spreadOf } from '../statistics.ts';
import { startServer } from '../subjects/server.ts';

const ROUNDS = 5;

/** Seconds that the model took to load, by ENGINE. */
interface LoadResult {
  readonly auto: readonly number[];
  readonly onnxruntime: readonly number[];
}

/** How long the model takes to load with and without the compiler and its verification, in turns. */
export const load: Part<LoadResult> = {
  name: 'load',
  field: 'load',
  steps: () => 2 * ROUNDS,
  run: async ({ context, repository }, progress) => {
    const result = { auto: [] as number[], onnxruntime: [] as number[] };
    for (let round = 1; round <= ROUNDS; round++) {
      for (const engine of ['auto', 'onnxruntime'] as const) {
        progress.step(`load, round ${round} of ${ROUNDS}: ENGINE=${engine}`);
        result[engine].push(await loadOnce(context, repository, engine));
      }
    }
    return result;
  },
  bounds: (result) => [
    {
      id: 'load',
      what: 'time that compiler and verification add to loading the model',
      holds: 'at most',
      limit: 0.4,
      unit: 's',
      measured: spreadOf(
        result?.auto.map((seconds, round) => seconds - (result.onnxruntime[round] as number)),
      ),
      needs: '--parts load',
    },
  ],
};

async function loadOnce(context: Context, repository: string, engine: keyof LoadResult): Promise<number> {
  const server = await startServer(context, { name: 'server', repository, engine });
  const metrics = await fetch(`http://${LOOPBACK}:${server.metricsPort}/metrics`);
  const found = /^model_load_duration_seconds\{.*\} (.*)$/m.exec(await metrics.text());
  await server.stop();
  if (!found) throw new Failure('the metrics lack model_load_duration_seconds');
  return Number(found[1]);
}
