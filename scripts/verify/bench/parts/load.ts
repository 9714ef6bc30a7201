import type { Context } from '../context.ts';
import { BenchError } from '../../../cli/errors.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import { LOOPBACK } from '../ports.ts';
import type { Progress } from '../progress.ts';
import type { LoadResult } from '../results.ts';
import { spawnServer } from '../subjects/server.ts';
import { answers, until } from '../subjects/subject.ts';

const ROUNDS = 5;
const TIMEOUT_MS = 60_000;

export interface LoadOptions {
  readonly repository: string;
  readonly progress: Progress;
}

export const STEPS = 2 * ROUNDS;

/** How long the model takes to load, in seconds, with and without the compiler and its verification, in turns. */
export async function runLoad(context: Context, { repository, progress }: LoadOptions): Promise<LoadResult> {
  const result = { auto: [] as number[], onnxruntime: [] as number[] };
  for (let round = 1; round <= ROUNDS; round++) {
    for (const engine of ['auto', 'onnxruntime'] as const) {
      progress.step(`load, round ${round} of ${ROUNDS}: ENGINE=${engine}`);
      result[engine].push(await loadOnce(context, repository, engine));
    }
  }
  return result;
}

async function loadOnce(context: Context, repository: string, engine: keyof LoadResult): Promise<number> {
  const ports = [await freePort(), await freePort()] as const;
  const child = spawnServer(context, { name: 'server', repository, engine }, ports);
  context.cleanup.add(child.stop);
  const ready = (): Promise<boolean> => answers(ports[0], '/health/ready');
  await until(context, 'the server is ready', ready, [child], TIMEOUT_MS);
  const metrics = await fetch(`http://${LOOPBACK}:${ports[1]}/metrics`);
  const found = /^model_load_duration_seconds\{.*\} (.*)$/m.exec(await metrics.text());
  await child.stop();
  if (!found) throw new BenchError('the server does not say how long its model took to load');
  return Number(found[1]);
}
