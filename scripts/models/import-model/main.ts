import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fromHome } from '../../../server/platform/install.ts';
import { WrongArguments, runTool } from '../../cli/failure.ts';
import { importModel } from './import.ts';

const USAGE = `Usage: ./scripts/import-model FILE.onnx NAME[/VERSION] [--rows FILE] [--signature FILE] [--repository FOLDER]

Writes models/NAME/VERSION with model.onnx, model.json (signature and checksum) and golden.json (rows as ONNX Runtime
answers them), and checks that it can be served. VERSION is the next one unless given.

  --rows FILE          CSV with a header line, read as the server reads it, or JSON lines; .gz too: golden rows are
                       taken from it, and categories, ranges and whether values may be missing; without it, rows are
                       made up
  --signature FILE     a model.json to take instead of what the ONNX file says
  --repository FOLDER  where to write; the project's models/ unless given
  --help               print this
`;

await runTool(USAGE, async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rows: { type: 'string' }, signature: { type: 'string' }, repository: { type: 'string' } },
  });
  const [onnx, target, ...others] = positionals;
  if (onnx === undefined || target === undefined || others.length > 0)
    throw new WrongArguments('wrong number of arguments');
  const repository = values.repository === undefined ? fromHome('models') : resolve(values.repository);
  const { rows, signature } = values;
  return importModel({
    onnx,
    target,
    repository,
    ...(rows === undefined ? {} : { rows }),
    ...(signature === undefined ? {} : { signature }),
  });
});
