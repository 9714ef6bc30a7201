import { resolve } from 'node:path';
import { progressBar, showLine } from '../../cli/liveLine.ts';
import type { Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import { makeRows, signatureAt } from './madeUpRows.ts';
import type { Options } from './options.ts';
import { USAGE, readOptions } from './options.ts';
import type { Rows } from './rows.ts';
import { bodyOf, readRows } from './rows.ts';
import { send } from './send.ts';

/** Failures that are shown one by one; the rest are counted. */
const SHOWN_FAILURES = 5;
const GIVE_UP_AFTER = 5;
const SHOWN_CHARACTERS = 60;

/** The one value of an answer, if it has a single one for its single row. */
function valueOf(answer: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(answer).filter(([key]) => key !== 'warnings');
  const [first] = values;
  const value: unknown = values.length === 1 ? first?.[1] : answer;
  const single: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return JSON.stringify(single).slice(0, SHOWN_CHARACTERS);
}

async function rowsOf(options: Options, folder: string, interrupt: AbortSignal): Promise<Rows> {
  const { source, url, timeoutMs } = options;
  if (source.kind === 'file') return readRows(resolve(folder, source.path), source.without, source.texts);
  const { inputs } = await signatureAt(url, timeoutMs, interrupt);
  return makeRows(inputs, source.count, source.seed);
}

/** Replays the rows of a file, or rows that are made up for the model. */
export const replay: Tool = withUsage(USAGE, async (argv, { stdout, stderr, folder, interrupt }) => {
  const options = readOptions(argv);
  const { columns, data } = await rowsOf(options, folder, interrupt);
  const rows = data.slice(0, options.limit);
  const total = rows.length;
  const startMs = performance.now();
  const seconds = (): number => Math.max((performance.now() - startMs) / 1000, 0.001);
  let [answered, failed, last] = [0, 0, ''];
  const endProgress = showLine(
    () =>
      [
        progressBar((answered + failed) / total),
        `${answered + failed} of ${total} rows`,
        `${((answered + failed) / seconds()).toFixed(1)} rows/s`,
        `errors ${failed}`,
        ...(last === '' ? [] : [`last ${last}`]),
      ].join('  '),
    stderr,
    { keepLast: true },
  );
  const { url, rate, timeoutMs, form, print } = options;
  const wentOn = await send(
    rows.map((row) => bodyOf(columns, row, form)),
    {
      ...{ url, rate, timeoutMs, interrupt, giveUpAfter: GIVE_UP_AFTER },
      answered: (answer) => {
        answered++;
        last = valueOf(answer);
        if (print) stdout.write(`${JSON.stringify(answer)}\n`);
      },
      failed: (at, reason) => {
        failed++;
        if (failed <= SHOWN_FAILURES) stderr.write(`row ${at}: ${reason}\n`);
      },
    },
  ).finally(endProgress);
  if (!wentOn) stderr.write(`given up: ${GIVE_UP_AFTER} rows in sequence were not answered at all\n`);
  stdout.write(`${answered} of ${total} rows answered in ${seconds().toFixed(1)} s, ${failed} failed\n`);
  return answered === total ? 0 : interrupt.aborted && failed === 0 ? 130 : 1;
});
