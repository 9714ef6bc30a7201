import { parseArgs } from 'node:util';
import { readNumber, readUrl } from '../../cli/arguments.ts';
import { Failure, UsageError } from '../../cli/faults.ts';
import type { Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import { makeRows, signatureAt } from '../replay/madeUpRows.ts';
import { bodyOf } from '../replay/rows.ts';
import { send } from '../replay/send.ts';

const USAGE = `Usage: npm run simulate -- [URL] [options]

Asks the cost model what made-up parcels cost, one after the other, and prints its answers. With the URL of another
model, its rows are made up. As replay --made-up, without its rate and progress.

  URL                  where to POST (default http://127.0.0.1:5000/predict)
  --num_requests N     how many parcels (default 5, at most 100,000); --num-requests is the same
  --seed N             another series of parcels (default 0)
  --timeout SECONDS    how long to wait for an answer (default 10)
  --help               print this

Exit code: 0 when every request was answered, 1 when one wasn't (it ends there if no server is reached), 2 for bad usage.
`;

const OPTIONS = {
  num_requests: { type: 'string' },
  'num-requests': { type: 'string' },
  seed: { type: 'string' },
  timeout: { type: 'string' },
} as const;

/** Simulates callers of the cost model. */
export const simulate: Tool = withUsage(USAGE, async (argv, { stdout, stderr, interrupt }) => {
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  if (positionals.length > 1) throw new UsageError('one URL, no more');
  const url = readUrl(positionals[0] ?? 'http://127.0.0.1:5000');
  const wanted = values.num_requests ?? values['num-requests'];
  const requests = readNumber('num_requests', wanted, { least: 1, most: 100_000, whole: true }, 5);
  const seed = readNumber('seed', values.seed, { least: 0, most: 2 ** 32 - 1, whole: true }, 0);
  const timeoutMs = 1000 * readNumber('timeout', values.timeout, { least: 0.1, most: 600 }, 10);

  const { inputs } = await signatureAt(url, timeoutMs, interrupt).catch((error: unknown) => {
    throw error instanceof Failure ? new Failure(`request 1: ${error.message}`) : error;
  });
  const { columns, data } = makeRows(inputs, requests, seed);
  let failures = 0;
  await send(
    data.map((row) => bodyOf(columns, row, 'record')),
    {
      ...{ url, timeoutMs, interrupt, rate: Infinity, giveUpAfter: 1 },
      answered: (answer) => stdout.write(`${JSON.stringify(answer)}\n`),
      failed: (at, reason) => {
        failures++;
        stderr.write(`request ${at + 1}: ${reason}\n`);
      },
    },
  );
  if (interrupt.aborted) return 130;
  return failures === 0 ? 0 : 1;
});
