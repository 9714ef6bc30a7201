import { judgeAll } from './catalogue.ts';
import { comparisonTable, readResults } from './compare.ts';
import { createContext } from './context.ts';
import { Failure, UsageError } from '../../cli/faults.ts';
import type { Options } from './options.ts';
import { USAGE, parseOptions } from './options.ts';
import { requireProgram } from './programs.ts';
import { defaultOut, renderReport, writeFiles } from './report.ts';
import type { Results } from './results.ts';
import { run } from './run.ts';

const INTERRUPTED_CODE = 130;

const abort = new AbortController();
// A second Ctrl-C must not end the bench before the clean-up: it would leave servers behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());

async function runAndCleanUp(options: Options): Promise<Results> {
  const context = await createContext(abort.signal);
  try {
    return await run(context, options, {
      write: (text) => process.stderr.write(text),
      terminal: process.stderr.isTTY,
      now: () => performance.now(),
    });
  } finally {
    await context.cleanup.run();
  }
}

async function main(options: Options): Promise<number> {
  // Before anything is measured: a missing file or program should end the run at once.
  const before = options.compare === undefined ? undefined : await readResults(options.compare);
  requireProgram('wrk');
  requireProgram('nginx');

  const results = await runAndCleanUp(options);
  const verdicts = judgeAll(results);
  process.stdout.write(renderReport(results, verdicts));
  if (before) {
    process.stdout.write(
      `\nAgainst ${options.compare} of ${before.created} (in brackets: within the spread of the rounds)\n${comparisonTable(before, results)}\n`,
    );
  }
  const files = await writeFiles(options.out ?? defaultOut(results.created), results, verdicts);
  process.stdout.write(`\nWritten: ${files.join(', ')}\n`);
  return options.strict && verdicts.some(({ verdict }) => verdict === 'fail') ? 1 : 0;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options) process.exitCode = await main(options);
  else process.stdout.write(USAGE);
} catch (error) {
  if (abort.signal.aborted) {
    process.stderr.write('\nbench: interrupted; everything that was started has been ended\n');
    process.exitCode = INTERRUPTED_CODE;
  } else if (error instanceof Failure) {
    process.stderr.write(`bench: ${error.message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  } else {
    throw error;
  }
}
