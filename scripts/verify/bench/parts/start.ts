import type { Context } from '../context.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import type { Progress } from '../progress.ts';
import { spawnServer } from '../subjects/server.ts';
import { answers, until } from '../subjects/subject.ts';

const STARTS = 5;
const TIMEOUT_MS = 60_000;

export interface StartOptions {
  readonly repository: string;
  readonly progress: Progress;
}

export const STEPS = STARTS + 1;

/** Times how long ./servemodel.sh takes to answer, in seconds, each time from a cold process and a warm file cache. */
export async function runStarts(context: Context, { repository, progress }: StartOptions): Promise<number[]> {
  // The first one builds, should that be needed, and fills the file cache.
  progress.step('start: once unmeasured');
  await startOnce(context, repository);
  const seconds: number[] = [];
  for (let k = 1; k <= STARTS; k++) {
    progress.step(`start ${k} of ${STARTS}`);
    seconds.push(await startOnce(context, repository));
  }
  return seconds;
}

async function startOnce(context: Context, repository: string): Promise<number> {
  const ports = [await freePort(), await freePort()] as const;
  const began = performance.now();
  const child = spawnServer(context, { name: 'server', repository }, ports);
  context.cleanup.add(child.stop);
  const ready = (): Promise<boolean> => answers(ports[0], '/health/ready');
  await until(context, 'the server is ready', ready, [child], TIMEOUT_MS);
  const seconds = (performance.now() - began) / 1000;
  await child.stop();
  return seconds;
}
