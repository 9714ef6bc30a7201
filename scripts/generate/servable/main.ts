import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fromHome } from '../../../server/platform/install.ts';
import { trainingPython } from '../../../server/testing/trainingPython.ts';
import { runTool, withUsage } from '../../cli/tool.ts';
import { toPage } from './page.ts';
import { runCases } from './runCases.ts';

const PAGE = 'docs/what-can-be-served.md';

const USAGE = `Usage: ./scripts/run servable [NAME…] [--python PROGRAM]

Fits, exports and serves small models of every kind, and writes ${PAGE}. With names of estimators or of
groups it prints their part of that page instead.

  --python PROGRAM  with the packages of scripts/models/requirements.txt; that which ./scripts/test.sh makes unless given
  --help            print this
`;

await runTool(
  withUsage(USAGE, async (argv, { stdout }) => {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { python: { type: 'string', default: trainingPython } },
    });
    const outcomes = await runCases(values.python, positionals);
    const page = toPage(outcomes);
    if (positionals.length > 0) stdout.write(page);
    else writeFileSync(fromHome(PAGE), page);
    const faults = outcomes.flatMap(({ name, variant, fault }) =>
      fault === undefined ? [] : [`${name}${variant === '' ? '' : `, ${variant}`}: ${fault}\n`],
    );
    stdout.write(`${outcomes.length} cases, ${faults.length} faults\n${faults.join('')}`);
    return faults.length > 0 ? 1 : 0;
  }),
);
