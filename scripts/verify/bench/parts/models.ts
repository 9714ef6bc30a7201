import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fromHome } from '../../../../server/platform/install.ts';
import type { Bound } from '../bound.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import type { Part } from '../part.ts';
import { treePssBytes } from '../processTree.ts';
import { spreadOf } from '../statistics.ts';
import { startServer } from '../subjects/server.ts';
import { idlePercent } from './idle.ts';

const COPIES = 300;
const REQUESTS = 30;
const PAUSE_MS = 100;

/** A server of many small models that is not asked for a prediction. */
interface ModelsResult {
  readonly startSeconds: number;
  readonly idlePercent: number;
  readonly pssBytes: number;
  readonly scrapeBytes: number;
  /** Of GET /models, each from the request to the whole answer. */
  readonly listMilliseconds: readonly number[];
}

async function makeManyModels({ folder }: Context): Promise<string> {
  const repository = join(folder, 'many');
  await mkdir(repository);
  await cp(fromHome('models/adult/1'), join(repository, 'adult/1'), { recursive: true });
  for (let copy = 1; copy <= COPIES; copy++)
    await cp(fromHome('models/iris/1'), join(repository, `iris${copy}/1`), { recursive: true });
  return repository;
}

const read = async (url: string): Promise<string> => (await fetch(url)).text();

/** 300 copies of iris beside adult. */
export const models: Part<ModelsResult> = {
  name: 'models',
  field: 'models',
  steps: () => 1,
  run: async ({ context }, progress) => {
    progress.step(`models: ${COPIES} copies of iris, not asked for 90 s`);
    const repository = await makeManyModels(context);
    const server = await startServer(context, { name: 'server', repository });
    const percent = await idlePercent(server.pids, context);
    const pssBytes = treePssBytes(server.pids);
    const scrapeBytes = (await read(`http://${LOOPBACK}:${server.metricsPort}/metrics`)).length;
    const listMilliseconds: number[] = [];
    for (let sent = 0; sent < REQUESTS; sent++) {
      const began = performance.now();
      await read(`http://${LOOPBACK}:${server.port}/models`);
      listMilliseconds.push(performance.now() - began);
      await delay(PAUSE_MS, undefined, { signal: context.signal });
    }
    await server.stop();
    return {
      startSeconds: server.startSeconds,
      idlePercent: percent,
      pssBytes,
      scrapeBytes,
      listMilliseconds,
    };
  },
  bounds: (result) => {
    const bound = (
      id: string,
      what: string,
      limit: number,
      unit: string,
      measured: readonly number[] | undefined,
    ): Bound => ({
      id: `models-${id}`,
      what: `${COPIES} small models: ${what}`,
      holds: 'at most',
      limit,
      unit,
      measured: spreadOf(measured ?? []),
      needs: '--parts models',
    });
    const one = (value: number | undefined): readonly number[] => (value === undefined ? [] : [value]);
    return [
      bound('start', 'start to ready', 8, 's', one(result?.startSeconds)),
      bound('idle', 'CPU of the whole tree, not asked', 2, '% of a core', one(result?.idlePercent)),
      bound('memory', 'memory of the whole tree (PSS)', 250, 'MB', one(result && result.pssBytes / 1e6)),
      bound('scrape', 'a scrape before any is asked', 300, 'kB', one(result && result.scrapeBytes / 1e3)),
      bound('list', 'GET /models', 20, 'ms', result?.listMilliseconds),
    ];
  },
};
