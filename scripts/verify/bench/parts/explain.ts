import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { renderTable } from '../../../cli/table.ts';
import type { Bound } from '../bound.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import { measureExplainer } from '../explainer.ts';
import { settle, target } from '../measure.ts';
import type { Part } from '../part.ts';
import { PEERS_FOLDER, prepareExplainers, runToEnd } from '../peers.ts';
import { treePssBytes } from '../processTree.ts';
import type { Table } from '../rows.ts';
import { tablesOf } from '../rows.ts';
import { spread, spreadOf, spreadText } from '../statistics.ts';
import type { Server } from '../subjects/server.ts';
import { startServer } from '../subjects/server.ts';
import { toNativeBody } from '../subjects/subject.ts';
import { Failure } from '../../../cli/faults.ts';
import { runWrk } from '../wrk.ts';

const ROUNDS = 5;
/** Single rows over HTTP, after the first one. */
const REQUESTS = 200;
/** Rows of a body that keeps a thread busy, and how many such requests are open. */
const SATURATING = { rows: 20, requests: 2 } as const;
const CONNECTIONS = 1;
/** What a start and a load leave to free is freed by then. */
const QUIET_MS = 5000;
/** How long explanations are asked for before the measurement. */
const MARGIN_MS = 500;
const MEGABYTE = 1e6;

/** Seconds of CPU a row, milliseconds of answers, bytes. */
interface ExplainResult {
  readonly forest: readonly number[];
  readonly shap: readonly number[];
  readonly boosted: readonly number[];
  readonly predContrib: readonly number[];
  readonly httpMs: readonly number[];
  /** That explanations add to a server of one process, against one that only predicted. */
  readonly addedBytes: number;
  /** p99 of single-row predictions, by round. */
  readonly aloneMs: readonly number[];
  readonly besideMs: readonly number[];
}

async function ask(
  { port }: Server,
  path: '/explain' | '/predict',
  body: string,
  signal: AbortSignal,
): Promise<number> {
  const began = performance.now();
  const answer = await fetch(`http://${LOOPBACK}:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal,
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Failure(`${path} answers ${answer.status}: ${text.slice(0, 200)}`);
  return performance.now() - began;
}

/** Single rows one after the other. @returns their milliseconds, without the first, and the server's memory then */
async function sendRows(
  server: Server,
  path: '/explain' | '/predict',
  table: Table,
  context: Context,
): Promise<{ readonly times: readonly number[]; readonly pssBytes: number }> {
  const bodies = tablesOf(table, 1).map(toNativeBody);
  const times: number[] = [];
  for (let sent = 0; sent <= REQUESTS; sent++)
    times.push(await ask(server, path, bodies[sent % bodies.length] as string, context.signal));
  await settle(context, server);
  await delay(QUIET_MS, undefined, { signal: context.signal });
  return { times: times.slice(1), pssBytes: treePssBytes(server.pids) };
}

/** Keeps a thread of explanations busy until `work` has ended. */
async function saturated<T>(
  server: Server,
  table: Table,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const [body = ''] = tablesOf(table, SATURATING.rows).map(toNativeBody);
  let done = false;
  const client = async (): Promise<void> => {
    while (!done) await ask(server, '/explain', body, signal);
  };
  const clients = Promise.all(Array.from({ length: SATURATING.requests }, client));
  clients.catch(() => {});
  try {
    await delay(MARGIN_MS, undefined, { signal });
    return await work();
  } finally {
    done = true;
    await clients;
  }
}

/** Explanations against shap and LightGBM, over HTTP, and beside predictions. */
export const explain: Part<ExplainResult> = {
  name: 'explain',
  field: 'explain',
  steps: () => 4 + 2 * ROUNDS,
  run: async ({ context, plan, repository, table, loads }, progress) => {
    progress.step('explain: adult/1 and adult/2 in one thread');
    const forest = await measureExplainer('adult/1', table, ROUNDS);
    const boosted = await measureExplainer('adult/2', table, ROUNDS);
    progress.step('explain: shap and LightGBM in one thread');
    const python = await prepareExplainers(context, progress.say);
    const script = join(PEERS_FOLDER, 'explain_peers.py');
    const said = await runToEnd(context, 'explain: shap and LightGBM', python, [script, String(ROUNDS)]);
    const line = said.trimEnd().split('\n').at(-1) ?? '';
    const { shap, predContrib } = JSON.parse(line) as Pick<ExplainResult, 'shap' | 'predContrib'>;

    progress.step(`explain: ${REQUESTS} single rows over HTTP, predicted alone`);
    const other = await startServer(context, { name: 'server', repository, processes: 1 });
    const predicted = await sendRows(other, '/predict', table, context);
    await other.stop();
    progress.step(`explain: ${REQUESTS} single rows over HTTP`);
    const server = await startServer(context, { name: 'server', repository, processes: 1 });
    const explained = await sendRows(server, '/explain', table, context);
    const single = await loads(server, 1);
    const p99 = async (): Promise<number> => {
      const load = { script: single, connections: CONNECTIONS, seconds: plan.seconds };
      return (await runWrk(context, target(server, { rows: 1, connections: CONNECTIONS }), load)).latencyMs
        .p99;
    };
    const [aloneMs, besideMs]: [number[], number[]] = [[], []];
    for (let round = 1; round <= ROUNDS; round++) {
      progress.step(`explain, round ${round} of ${ROUNDS}: predictions alone`);
      await settle(context, server);
      aloneMs.push(await p99());
      progress.step(`explain, round ${round} of ${ROUNDS}: predictions beside explanations`);
      besideMs.push(await saturated(server, table, context.signal, p99));
    }
    await server.stop();
    return {
      forest,
      shap,
      boosted,
      predContrib,
      httpMs: explained.times,
      addedBytes: explained.pssBytes - predicted.pssBytes,
      aloneMs,
      besideMs,
    };
  },
  table: (result) => {
    const ms = (values: readonly number[]): string => spreadText(spread(values.map((value) => 1e3 * value)));
    const rows = [
      ['adult/1, CPU ms a row', ms(result.forest), ms(result.shap)],
      ['adult/2, CPU ms a row', ms(result.boosted), ms(result.predContrib)],
      ['single row over HTTP, ms', spreadText(spread(result.httpMs)), ''],
      [
        'p99 ms of predictions: beside, alone',
        spreadText(spread(result.besideMs)),
        spreadText(spread(result.aloneMs)),
      ],
      ['memory added, MB', (result.addedBytes / MEGABYTE).toFixed(1), ''],
    ];
    return `Explanations\n${renderTable(['', 'server', 'shap, pred_contrib, alone'], rows, 1)}`;
  },
  bounds: (result) => {
    const bound = (
      id: string,
      what: string,
      holds: Bound['holds'],
      limit: number,
      unit: string,
      measured: readonly number[] | undefined,
    ): Bound => ({
      id: `explain-${id}`,
      what,
      holds,
      limit,
      unit,
      measured: spreadOf(measured ?? []),
      needs: '--parts explain',
    });
    const times = (theirs: readonly number[] = [], ours: readonly number[] = []): number[] =>
      theirs.map((seconds, round) => seconds / (ours[round] as number));
    return [
      bound(
        'shap',
        'adult/1: CPU of a row by shap.TreeExplainer in one thread, against an explanation',
        'at least',
        20,
        '',
        times(result?.shap, result?.forest),
      ),
      bound(
        'lightgbm',
        'adult/2: CPU of a row by pred_contrib in one thread, against an explanation',
        'at least',
        8,
        '',
        times(result?.predContrib, result?.boosted),
      ),
      bound('http', 'adult/1: a row over HTTP, p50', 'at most', 8, 'ms', result?.httpMs),
      bound(
        'memory',
        'adult/1: memory that explanations add to a server of one process (PSS)',
        'at most',
        40,
        'MB',
        result && [result.addedBytes / MEGABYTE],
      ),
      bound(
        'beside',
        `single rows, ${CONNECTIONS} connection: p99 while explanations saturate a thread, against p99 without`,
        'at most',
        2,
        '',
        times(result?.besideMs, result?.aloneMs),
      ),
    ];
  },
};
