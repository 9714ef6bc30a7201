import { parseArgs } from 'node:util';
import { readNumber } from '../../cli/arguments.ts';
import type { Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import { UsageError } from '../../cli/faults.ts';
import { attack } from './attack.ts';
import { addToCorpus } from './corpus.ts';
import { allTargets } from './targets.ts';

const NAMES =
  'native bytes csv mlflow v1 v2 query json-lines csv-bare csv-forms utf8 json-fault csv-pieces coding multipart headers onnx';

const USAGE = `Usage: npm run fuzz -- [options]

Attacks every decoder of requests and models with inputs derived from valid ones. A decoder must answer or refuse within
two seconds; anything else is a finding, which is minimized and kept in scripts/verify/fuzz/corpus.

  --seconds N    how long for each decoder (default 10, at most 86400)
  --only NAME    one decoder; may be repeated: ${NAMES}
  --seed N       of the random numbers (default: by the time; printed)
  --help         print this

Ctrl-C ends it early. Exit code: 0 without findings, 1 with one, 2 for bad usage.
`;

/** Inputs between two checks of the time. */
const ROUND = 200;

export const fuzz: Tool = withUsage(USAGE, async (argv, { stdout, stderr, interrupt }) => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string' },
      only: { type: 'string', multiple: true },
      seed: { type: 'string' },
    },
  });
  const seconds = readNumber('seconds', values.seconds, { least: 1, most: 86_400 }, 10);
  const first = readNumber('seed', values.seed, { least: 0, most: 1e9, whole: true }, Date.now() % 1e9);
  const all = await allTargets();
  for (const name of values.only ?? [])
    if (!all.some((target) => target.name === name)) throw new UsageError(`--only takes one of ${NAMES}`);
  const targets = all.filter(({ name }) => values.only?.includes(name) ?? true);
  let findings = 0;
  stdout.write(`seed ${first}\n`);
  for (const target of targets) {
    const end = performance.now() + seconds * 1000;
    let inputs = 0;
    let found = false;
    for (let round = 0; performance.now() < end && !found && !interrupt.aborted; round++) {
      const finding = await attack(target, first + round, ROUND);
      inputs += ROUND;
      if (stderr.isTTY) stderr.write(`\r${target.name}  ${inputs} inputs\x1b[K`);
      if (!finding) continue;
      found = true;
      findings++;
      addToCorpus(target.name, finding.input);
      stdout.write(
        `${target.name}: ${JSON.stringify(finding.input.toString('latin1').slice(0, 300))}\n${finding.reason}\n`,
      );
    }
    if (stderr.isTTY) stderr.write('\r\x1b[K');
    stdout.write(
      `${target.name.padEnd(12)}${String(inputs).padStart(9)} inputs  ${found ? 'a finding' : 'nothing'}\n`,
    );
  }
  return findings > 0 ? 1 : 0;
});
