import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { LogTarget } from '../../../server/settings/logTarget.ts';
import { parseLogTarget } from '../../../server/settings/logTarget.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { readAddress, readNumber } from '../../cli/arguments.ts';
import { UsageError } from '../../cli/faults.ts';

export interface Options {
  readonly logs: readonly LogTarget[];
  readonly repository: string;
  /** Asked in the place of the repository. */
  readonly server: URL | undefined;
  readonly model: string | undefined;
  readonly inputs: string | undefined;
  readonly limit: number;
  /** Records that can't be checked don't fail the audit. */
  readonly allowUnchecked: boolean;
  readonly json: boolean;
}

export const USAGE = `Usage: npm run audit -- [LOG…] [options]

Scores the records of a prediction log again, on the model files of the very digest, and says whether each still gets
the same answer.

  LOG                  redis://host:6379/0, a file of JSON lines, or a folder of them; without one, what PREDICTION_LOG
                       of the environment names (so that no password stands in the list of processes)
  --repository FOLDER  where the versions are; the project's models/ unless given
  --server URL         ask a running server instead; with a path such as /models/adult/versions/1, that version only.
                       Where it keeps a prediction log, these requests are logged, too
  --model NAME         records of this model only
  --inputs FILE        rows (JSON lines, or CSV with a header line; .gz too) in which the inputs are looked up of
                       which the log has only a hash
  --limit N            records to check at most
  --allow-unchecked    records that can't be checked, having no input or the digest of no version, don't fail the audit
  --json               the result as JSON, with every difference
  --help               print this

A probability may differ by 0.000001, a value by 0.001 %: sums in another order. Ctrl-C ends the audit and sums up.
Exit code: 0 when every record gets the same answer, 1 when one doesn't, can't be checked or is no record, or there is none,
2 for bad usage or when the log or the models can't be read. Records that were deleted leave no trace.
`;

const OPTIONS = {
  repository: { type: 'string' },
  server: { type: 'string' },
  model: { type: 'string' },
  inputs: { type: 'string' },
  limit: { type: 'string' },
  'allow-unchecked': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

function readServer(text: string): URL {
  const url = readAddress(text, '--server');
  if (!/^\/?$|^\/models\/[^/]+\/versions\/\d+$/.test(url.pathname))
    throw new UsageError('--server may have the path /models/NAME/versions/NUMBER, or none');
  return url;
}

/**
 * @param folder that relative paths start at
 * @throws {UsageError} naming what is wrong; never with an address, which may hold a password
 */
export function readOptions(argv: readonly string[], folder: string): Options {
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  const readLog = (text: string): LogTarget => {
    const target = parseLogTarget(text);
    if (target?.kind === 'redis') return target;
    if (/^rediss?:/.test(text)) throw new UsageError('LOG must be redis://host:6379, a file or a folder');
    return { kind: 'file', folder: resolve(folder, target?.folder ?? text) };
  };
  const standard = parseLogTarget(process.env['PREDICTION_LOG'] ?? '');
  const logs = positionals.map(readLog);
  if (logs.length === 0 && standard)
    logs.push(standard.kind === 'redis' ? standard : { ...standard, folder: fromHome(standard.folder) });
  if (logs.length === 0) throw new UsageError('a LOG is needed: an argument, or PREDICTION_LOG');
  if (values.server !== undefined && values.repository !== undefined)
    throw new UsageError('--repository or --server, not both');
  return {
    logs,
    repository: values.repository === undefined ? fromHome('models') : resolve(folder, values.repository),
    server: values.server === undefined ? undefined : readServer(values.server),
    model: values.model,
    inputs: values.inputs === undefined ? undefined : resolve(folder, values.inputs),
    limit: readNumber('limit', values.limit, { least: 1, most: 1e12, whole: true }, Infinity),
    allowUnchecked: values['allow-unchecked'],
    json: values.json,
  };
}
