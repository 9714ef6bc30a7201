import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { post } from '../../cli/post.ts';
import type { Surroundings, Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import type { Options } from './options.ts';
import { USAGE, readOptions } from './options.ts';
import type { State } from './progress.ts';
import { showProgress } from './progress.ts';
import type { Rows } from './rows.ts';
import { bodyOf, readRows } from './rows.ts';

/** Failures that are told one by one; the rest are counted. */
const SHOWN_FAILURES = 5;
/** So many rows in sequence that no server answered: it is gone. */
const GIVE_UP_AFTER = 5;
const SHOWN_CHARACTERS = 60;

/** The one value of an answer, if it has a single one for its single row. */
export function valueOf(answer: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(answer).filter(([key]) => key !== 'warnings');
  const [first] = values;
  const value: unknown = values.length === 1 ? first?.[1] : answer;
  const single: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return JSON.stringify(single).slice(0, SHOWN_CHARACTERS);
}

/** Sends row after row, each when it is due; one that is late goes at once, and none is left out. */
async function send(rows: Rows, options: Options, state: State, to: Surroundings): Promise<void> {
  let unreached = 0;
  for (const [at, row] of rows.data.slice(0, state.total).entries()) {
    const wait = state.startMs + (at * 1000) / options.rate - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal: to.interrupt }).catch(() => undefined);
    if (to.interrupt.aborted) return;
    const body = bodyOf(rows.columns, row, options.form);
    const outcome = await post(options.url, body, options.timeoutMs, to.interrupt);
    if (outcome.ok) {
      state.answered++;
      state.last = valueOf(outcome.answer);
      unreached = 0;
      if (options.print) to.stdout.write(`${JSON.stringify(outcome.answer)}\n`);
      continue;
    }
    // The request that Ctrl-C cut off is nobody's failure.
    if (to.interrupt.aborted) return;
    state.failed++;
    if (state.failed <= SHOWN_FAILURES) to.stderr.write(`row ${at}: ${outcome.reason}\n`);
    unreached = outcome.reached ? 0 : unreached + 1;
    if (unreached === GIVE_UP_AFTER) {
      to.stderr.write(`given up: ${GIVE_UP_AFTER} rows in sequence were not answered at all\n`);
      return;
    }
  }
}

/** Replays the rows of a file. */
export const replay: Tool = withUsage(USAGE, async (argv, surroundings) => {
  const options = readOptions(argv);
  const rows = readRows(resolve(surroundings.folder, options.file), options.without, options.texts);
  const total = Math.min(rows.data.length, options.limit);
  const state: State = { total, startMs: performance.now(), answered: 0, failed: 0, last: '' };
  const endProgress = showProgress(state, surroundings.stderr);
  await send(rows, options, state, surroundings).finally(endProgress);
  const seconds = ((performance.now() - state.startMs) / 1000).toFixed(1);
  surroundings.stdout.write(
    `${state.answered} of ${total} rows answered in ${seconds} s, ${state.failed} failed\n`,
  );
  return state.answered === total ? 0 : surroundings.interrupt.aborted && state.failed === 0 ? 130 : 1;
});
