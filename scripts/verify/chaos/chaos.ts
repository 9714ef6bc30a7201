import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readAdultRows } from '../../../server/testing/adultRows.ts';
import type { Case } from '../../../server/testing/load.ts';
import { singles, together } from '../../../server/testing/load.ts';
import { readNumber } from '../../cli/arguments.ts';
import type { Surroundings, Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import { UsageError } from '../../cli/faults.ts';
import { CATALOGUE } from './catalogue.ts';
import { createChance } from './random.ts';
import { rehearse } from './rehearse.ts';
import { renderFaults, renderResults } from './report.ts';
import type { Result } from './result.ts';
import { TERMS, rehearseTerms } from './terms.ts';

const USAGE = `Usage: npm run chaos -- [options]

Exposes the whole chain (nginx, processes, threads, the default model) to faults, one after the other, each on a
server of its own under steady load whose every answer is checked. Reports what was lost, how long the recovery took
and what was left behind. Uses free ports, and touches nothing but the servers that it starts.

  --list            print the faults
  --only NAME       only this fault; may be repeated
  --seconds N       steady load before each fault and after it (default 3)
  --times N         how often each fault is repeated (default: 1 to 5; reloads 200, terms 100)
  --seed N          for the random moments and victims of an earlier run (default: by the time; printed)
  --json FILE       also write the results to FILE
  --help            print this

Exit code: 0 when everything held, 1 when a fault cost more than it may, 2 for bad usage.
`;

const OPTIONS = {
  list: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true },
  seconds: { type: 'string' },
  times: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'string' },
} as const;

/** Mostly single rows; a few requests keep every thread of a process busy. */
function makeCases(): readonly [Case, ...Case[]] {
  const rows = readAdultRows();
  const large = together(rows.slice(0, 1000));
  return [...singles(rows.slice(0, 300)), large, ...singles(rows.slice(300, 400))] as [Case, ...Case[]];
}

function listFaults(write: Surroundings['stdout']): number {
  const all = [...CATALOGUE, TERMS];
  const width = Math.max(...all.map(({ name }) => name.length));
  for (const { name, what } of all) write.write(`${name.padEnd(width)}  ${what}\n`);
  return 0;
}

export const chaos: Tool = withUsage(USAGE, async (argv, { stdout, stderr, folder, interrupt }) => {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  if (values.list) return listFaults(stdout);
  const names = [...CATALOGUE, TERMS].map(({ name }) => name);
  const wanted = new Set(values.only ?? names);
  for (const name of wanted)
    if (!names.includes(name)) throw new UsageError(`there is no fault ${name}; --list prints them`);
  const steadyMs = 1000 * readNumber('seconds', values.seconds, { least: 0, most: 3600 }, 3);
  const times =
    values.times === undefined
      ? undefined
      : readNumber('times', values.times, { least: 1, most: 100_000, whole: true }, 1);
  const seed = readNumber(
    'seed',
    values.seed,
    { least: 0, most: 2 ** 32 - 1, whole: true },
    Date.now() % 2 ** 32,
  );
  stdout.write(`seed ${seed}\n`);
  const cases = makeCases();
  const chance = createChance(seed);
  const results: Result[] = [];
  const begin = performance.now();
  const say =
    (name: string) =>
    (text: string): void =>
      void stderr.write(`${name}: ${text}\n`);
  for (const fault of CATALOGUE.filter(({ name }) => wanted.has(name))) {
    if (interrupt.aborted) break;
    say(fault.name)(fault.what);
    const options = { cases, chance, times: times ?? fault.times ?? 1, steadyMs, say: say(fault.name) };
    results.push(await rehearse(fault, options));
    for (const line of renderFaults(results.slice(-1))) stderr.write(`${line}\n`);
  }
  if (wanted.has(TERMS.name) && !interrupt.aborted) {
    say(TERMS.name)(TERMS.what);
    const options = { cases, chance, times: times ?? TERMS.times, steadyMs, say: say(TERMS.name) };
    results.push(await rehearseTerms(options));
  }
  stdout.write(`\n${renderResults(results)}\n\n`);
  for (const line of renderFaults(results)) stdout.write(`${line}\n`);
  const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
  const failed = results.filter(({ faults }) => faults.length > 0).length;
  stdout.write(`${results.length} faults in ${minutes} minutes, ${failed} failed\n`);
  if (values.json !== undefined)
    writeFileSync(resolve(folder, values.json), `${JSON.stringify({ seed, results }, undefined, 2)}\n`);
  return interrupt.aborted ? 130 : failed === 0 ? 0 : 1;
});
