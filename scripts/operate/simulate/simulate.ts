import { parseArgs } from 'node:util';
import { createRandom } from '../../../server/testing/createRandom.ts';
import { readNumber, readUrl } from '../../cli/arguments.ts';
import { post } from '../../cli/post.ts';
import type { Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import { UsageError } from '../../cli/faults.ts';
import { createDraw, readInputs } from './parcels.ts';

const USAGE = `Usage: ./scripts/simulate [URL] [options]

Asks the cost model what made-up parcels cost, one after the other, and prints its answers.

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

  const draw = createDraw(readInputs(), createRandom(seed));
  let failed = 0;
  for (let sent = 0; sent < requests; sent++) {
    const outcome = await post(url, draw(), timeoutMs, interrupt);
    if (interrupt.aborted) return 130;
    if (outcome.ok) {
      stdout.write(`${JSON.stringify(outcome.answer)}\n`);
      continue;
    }
    failed++;
    stderr.write(`request ${sent + 1}: ${outcome.reason}\n`);
    if (!outcome.reached) return 1;
  }
  return failed === 0 ? 0 : 1;
});
