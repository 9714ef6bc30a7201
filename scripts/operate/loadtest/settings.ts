import { parseArgs } from 'node:util';
import { readAddress, readNumber } from '../../cli/arguments.ts';
import { UsageError } from '../../cli/faults.ts';

/** What a load test is asked to do. */
export interface Settings {
  readonly url: URL;
  readonly model: string;
  /** Whose rows are sent. */
  readonly source: { readonly kind: 'adult' | 'golden' } | { readonly kind: 'file'; readonly path: string };
  readonly rowsPerRequest: number;
  readonly connections: number;
  /** Requests per second; undefined means closed loop. */
  readonly rate: number | undefined;
  readonly durationSeconds: number;
  /** Requests in all; Infinity when only time ends the test. */
  readonly amount: number;
  readonly timeoutSeconds: number;
  /** Further request headers, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the expected labels are; undefined means that answers aren't compared. */
  readonly expect:
    { readonly kind: 'adult' | 'golden' } | { readonly kind: 'file'; readonly path: string } | undefined;
  /** Whether explanations are asked for and held against what they explain. */
  readonly explain: boolean;
  readonly allowErrors: boolean;
  readonly json: string | undefined;
  readonly html: string | undefined;
}

const DEFAULT_ORIGIN = 'http://127.0.0.1:5000';
const MAX_SECONDS = 3600;
/** An address that stops at its host or port. */
const NO_PATH = /^(https?:\/\/)?[^/?#]+$/i;

export const USAGE = `Usage: npm run loadtest -- [URL] [options]

Sends rows to a prediction server and reports throughput, latency percentiles and errors.

  URL                     where to POST (default ${DEFAULT_ORIGIN}/predict;
                          an address without a path means its /predict, with --explain its /explain)

What is sent
  --data FILE             rows of a CSV file with a header, .gz too (default: the Adult test split)
  --model NAME            the golden rows of models/NAME, by default to /models/NAME/predict
  --rows-per-request N    rows in a request (default 1)
  --explain               ask for explanations, with probabilities where the model gives them; an answer whose
                          contributions don't add up to its output, or whose output isn't the score, has failed
  --header 'NAME: VALUE'  a further request header; may be repeated

How it is sent
  --connections N         connections (default 10; 100 with --rate, as the most requests in flight)
  --rate N                open loop: requests per second, sent on schedule whatever the answers do
                          (default: closed loop, each connection sends when it has its answer)
  --duration SECONDS      how long to send (default 10, at most ${MAX_SECONDS}; with --amount ${MAX_SECONDS})
  --amount N              how many requests to send
  --timeout SECONDS       how long to wait for an answer (default 10)

What is made of it
  --expect [FILE|golden]  compare answers with expected labels: a CSV file with a column "label", or the golden
                          rows; without a value those that belong to the rows sent
  --allow-errors          exit with 0 even if requests failed
  --json FILE             save the result as JSON
  --html FILE             save the result as a page
  --help                  print this

Exit code: 0 when every request succeeded, 1 when one failed or the server didn't answer, 2 for bad usage.
`;

const OPTIONS = {
  data: { type: 'string' },
  model: { type: 'string' },
  'rows-per-request': { type: 'string' },
  header: { type: 'string', multiple: true },
  connections: { type: 'string' },
  rate: { type: 'string' },
  duration: { type: 'string' },
  amount: { type: 'string' },
  timeout: { type: 'string' },
  expect: { type: 'string' },
  explain: { type: 'boolean', default: false },
  'allow-errors': { type: 'boolean', default: false },
  json: { type: 'string' },
  html: { type: 'string' },
} as const;

/** parseArgs knows no option whose value may be left out. */
const withExpectValue = (argv: readonly string[]): string[] =>
  argv.map((argument, index) => {
    const next = argv[index + 1];
    const bare = next === undefined || next.startsWith('-') || /^https?:/i.test(next);
    return argument === '--expect' && bare ? '--expect=' : argument;
  });

function readHeaders(lines: readonly string[], url: URL): Record<string, string> {
  const headers: Record<string, string> = {};
  if (url.username !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new UsageError("--header must be 'NAME: VALUE'");
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

function readExpect(text: string | undefined, source: Settings['source']): Settings['expect'] {
  if (text === undefined) return undefined;
  if (text === '') {
    if (source.kind !== 'file') return { kind: source.kind };
    throw new UsageError('--expect needs a FILE for the rows of --data');
  }
  if (text !== 'golden') return { kind: 'file', path: text };
  if (source.kind === 'file') throw new UsageError('--expect golden has no labels for the rows of --data');
  return { kind: 'golden' };
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} naming the option that is wrong
 * @throws {TypeError} by parseArgs, for an option that there isn't
 */
export function parseSettings(argv: readonly string[]): Settings {
  const args = withExpectValue(argv);
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (positionals.length > 1) throw new UsageError(`one URL, not ${positionals.length}`);
  if (values.data !== undefined && values.model !== undefined) {
    throw new UsageError('--data and --model exclude each other');
  }
  if (values.model !== undefined && !/^[\w.-]+$/.test(values.model)) {
    throw new UsageError('--model must be the name of a folder in models/');
  }
  const call = values.explain ? 'explain' : 'predict';
  const path = values.model === undefined ? `/${call}` : `/models/${values.model}/${call}`;
  const target = positionals[0] ?? DEFAULT_ORIGIN;
  const url = readAddress(NO_PATH.test(target) ? target + path : target);
  const headers = readHeaders(values.header ?? [], url);
  // Credentials travel in the header: fetch refuses them in a URL, and a report must not show them.
  url.username = url.password = url.hash = '';

  const golden = values.model !== undefined || values.expect === 'golden';
  const source: Settings['source'] =
    values.data !== undefined ? { kind: 'file', path: values.data } : { kind: golden ? 'golden' : 'adult' };
  const rate = readNumber('rate', values.rate, { least: 0.1, most: 100_000 }, undefined);
  const amount = readNumber('amount', values.amount, { least: 1, most: 1e9, whole: true }, Infinity);
  const connections = readNumber(
    'connections',
    values.connections,
    { least: 1, most: 10_000, whole: true },
    rate === undefined ? 10 : 100,
  );
  return {
    url,
    model: values.model ?? 'adult',
    source,
    rowsPerRequest: readNumber(
      'rows-per-request',
      values['rows-per-request'],
      { least: 1, most: 100_000, whole: true },
      1,
    ),
    // More connections than requests would only open and close.
    connections: Math.min(connections, amount),
    rate,
    durationSeconds: readNumber(
      'duration',
      values.duration,
      { least: 0.1, most: MAX_SECONDS },
      amount === Infinity ? 10 : MAX_SECONDS,
    ),
    amount,
    timeoutSeconds: readNumber('timeout', values.timeout, { least: 0.1, most: 600 }, 10),
    headers,
    expect: readExpect(values.expect, source),
    explain: values.explain,
    allowErrors: values['allow-errors'],
    json: values.json,
    html: values.html,
  };
}
