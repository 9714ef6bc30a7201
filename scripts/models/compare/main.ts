import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fromHome } from '../../../server/platform/install.ts';
import { UsageError } from '../../cli/faults.ts';
import { runTool, withUsage } from '../../cli/tool.ts';
import { findVersion } from '../openVersion.ts';
import { openExplanation } from '../openExplanation.ts';
import { readRows } from '../readRows.ts';
import { compareOn, describe } from './compare.ts';
import { MAX_EXPLAINED } from './movedColumns.ts';

const USAGE = `Usage: npm run compare -- MODEL/VERSION MODEL/VERSION FILE [--explain] [--repository FOLDER] [--json] [--help]

Scores the rows of FILE on two versions and prints what would change. FILE is CSV with a header line, read as the
server reads it, or JSON lines (.jsonl, .ndjson): objects, or lists of cells; .gz too. Both versions are answered by
ONNX Runtime.

  --explain            also which columns moved the changed answers: those of other labels, else all that differ
                       (at most ${MAX_EXPLAINED} rows); both versions must be explainable, in the same space
  --repository FOLDER  where the versions are; the project's models/ unless given
  --json               the whole result as JSON
  --help               print this
`;

await runTool(
  withUsage(USAGE, async (argv, { stdout, folder }) => {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        repository: { type: 'string' },
        explain: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [first, second, file, ...others] = positionals;
    if (first === undefined || second === undefined || file === undefined || others.length > 0)
      throw new UsageError('two MODEL/VERSION and one FILE are needed');
    const repository =
      values.repository === undefined ? fromHome('models') : resolve(folder, values.repository);
    const model = await findVersion(repository, first);
    const other = await findVersion(repository, second);
    const rows = await readRows(resolve(folder, file), model.signature);
    const comparison = await compareOn(
      model,
      other,
      rows,
      values.explain ? ({ id }) => openExplanation(repository, id) : undefined,
    );
    stdout.write(values.json ? `${JSON.stringify(comparison)}\n` : describe(comparison));
    return 0;
  }),
);
