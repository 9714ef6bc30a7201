import { parseArgs } from 'node:util';
import { readNumber, readUrl } from '../../cli/arguments.ts';
import { UsageError } from '../../cli/faults.ts';

/** How a row travels. */
export type Form = 'records' | 'record' | 'split';

export interface Options {
  readonly source:
    | {
        readonly kind: 'file';
        readonly path: string;
        readonly without: readonly string[];
        readonly texts: readonly string[];
      }
    | { readonly kind: 'made up'; readonly count: number; readonly seed: number };
  readonly url: URL;
  readonly rate: number;
  readonly limit: number;
  readonly form: Form;
  readonly timeoutMs: number;
  readonly print: boolean;
}

export const USAGE = `Usage: npm run replay -- FILE [URL] [options]
       npm run replay -- --made-up N [URL] [options]

Posts rows to a model, one a request, at a steady rate, and shows progress.

  FILE                 CSV with a header line, .gz too; at most 100,000 rows are read
  URL                  where to POST (default http://127.0.0.1:5000/predict)
  --made-up N          instead of FILE: N rows, made up from the signature that the server gives, for any model;
                       URL ends in /predict
  --seed N             other made-up rows (default 0)
  --rate N             rows per second (default 10, at most 1000)
  --limit N            rows to send at most
  --form FORM          records: [{…}] (default); record: {…}; split: {"columns":[…],"data":[[…]]}
  --without COLUMN     leave a column out, such as the true answer; may be repeated
  --text COLUMN        send a column as text though all of it is numbers; may be repeated
  --timeout SECONDS    how long to wait for an answer (default 10)
  --print              print every answer to stdout, a line each
  --help               print this

A column of FILE is sent as numbers if all of its cells are, as booleans if all are true or false, else as text; an empty cell
is null in the former. Ctrl-C ends the replay and sums up.
Exit code: 0 when every row was answered, 1 when one wasn't, 2 for bad usage.
`;

const OPTIONS = {
  'made-up': { type: 'string' },
  seed: { type: 'string' },
  rate: { type: 'string' },
  limit: { type: 'string' },
  form: { type: 'string', default: 'records' },
  without: { type: 'string', multiple: true, default: [] as string[] },
  text: { type: 'string', multiple: true, default: [] as string[] },
  timeout: { type: 'string' },
  print: { type: 'boolean', default: false },
} as const;

const isForm = (text: string): text is Form => ['records', 'record', 'split'].includes(text);

/** @throws {UsageError} naming what is wrong */
export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  const count = readNumber('made-up', values['made-up'], { least: 1, most: 100_000, whole: true }, undefined);
  const file = count === undefined ? positionals.shift() : undefined;
  const [target = 'http://127.0.0.1:5000', ...more] = positionals;
  if (count === undefined && file === undefined) throw new UsageError('a CSV file is needed, or --made-up N');
  if (more.length > 0) throw new UsageError('one FILE (or --made-up N) and one URL, no more');
  if (count !== undefined && values.without.length + values.text.length > 0)
    throw new UsageError('--without and --text are for the columns of a FILE');
  if (count === undefined && values.seed !== undefined) throw new UsageError('--seed is for --made-up');
  if (!isForm(values.form)) throw new UsageError('--form must be records, record or split');
  return {
    source:
      count === undefined
        ? { kind: 'file', path: file as string, without: values.without, texts: values.text }
        : {
            ...{ kind: 'made up', count },
            seed: readNumber('seed', values.seed, { least: 0, most: 2 ** 32 - 1, whole: true }, 0),
          },
    url: readUrl(target),
    rate: readNumber('rate', values.rate, { least: 0.01, most: 1000 }, 10),
    limit: readNumber('limit', values.limit, { least: 1, most: 100_000, whole: true }, 100_000),
    form: values.form,
    timeoutMs: 1000 * readNumber('timeout', values.timeout, { least: 0.1, most: 600 }, 10),
    print: values.print,
  };
}
