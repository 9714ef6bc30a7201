import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { TASKS } from '../../../server/model/signature.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { UsageError } from '../../cli/faults.ts';
import { runTool, withUsage } from '../../cli/tool.ts';
import { importModel } from './import.ts';

const USAGE = `Usage: npm run import-model -- FILE.onnx NAME[/VERSION] [options]

Writes models/NAME/VERSION with model.onnx, model.json (signature and checksum) and golden.json (rows as ONNX Runtime
answers them), and checks that it can be served. VERSION is the next one unless given.

  --rows FILE          CSV with a header line, read as the server reads it, or JSON lines; .gz too: golden rows are
                       taken from it, and categories, ranges and whether values may be missing; without it, rows are
                       made up
  --signature FILE     a model.json to take instead of what the ONNX file says
  --classes A,B,C      the classes of a network without a label, in the order of its scores (two for a single score)
  --task TASK          what it is for, where the file can't say it: ranking, multioutput-regression,
                       quantile-regression or transformation
  --outputs A,B,C      names of the values that a row is answered with, in their order
  --scores KIND        what its scores are: probabilities or logits; by its last operator unless given
  --repository FOLDER  where to write; the project's models/ unless given
  --help               print this
`;

await runTool(
  withUsage(USAGE, async (argv, { stdout, folder }) => {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        rows: { type: 'string' },
        signature: { type: 'string' },
        classes: { type: 'string' },
        scores: { type: 'string' },
        task: { type: 'string' },
        outputs: { type: 'string' },
        repository: { type: 'string' },
      },
    });
    const [onnx, target, ...others] = positionals;
    if (onnx === undefined || target === undefined || others.length > 0)
      throw new UsageError('one FILE.onnx and one NAME are needed');
    const { rows, signature, classes, scores, task, outputs, repository } = values;
    const known = TASKS.find((name) => name === task);
    if (task !== undefined && !known) throw new UsageError(`--task must be one of ${TASKS.join(', ')}`);
    if (scores !== undefined && scores !== 'probabilities' && scores !== 'logits')
      throw new UsageError('--scores must be probabilities or logits');
    const done = await importModel({
      onnx: resolve(folder, onnx),
      target,
      repository: repository === undefined ? fromHome('models') : resolve(folder, repository),
      ...(rows === undefined ? {} : { rows: resolve(folder, rows) }),
      ...(classes === undefined ? {} : { classes: classes.split(',') }),
      ...(scores === undefined ? {} : { scores }),
      ...(known === undefined ? {} : { task: known }),
      ...(outputs === undefined ? {} : { outputs: outputs.split(',') }),
      ...(signature === undefined ? {} : { signature: resolve(folder, signature) }),
    });
    stdout.write(done);
    return 0;
  }),
);
