import { parseArgs } from 'node:util';
import { readNumber, readUrl } from '../../cli/arguments.ts';
import { UsageError } from '../../cli/faults.ts';

export interface Options {
  readonly url: URL;
  readonly metrics: URL;
  readonly factor: number;
  readonly seconds: number;
  readonly rowsPerRequest: number;
  readonly connections: number;
  readonly json: string | undefined;
}

export const USAGE = `Usage: npm run overload -- [URL] [options]

Finds how much a running server answers, then sends a multiple of that on schedule, whatever the answers do, and reports
what became of it. The generator takes its CPU from the same machine, unless it runs on another.

  URL                   where to POST (default http://127.0.0.1:5000/predict)
  --factor N            offered load as a multiple of the capacity (default 3)
  --duration SECONDS    how long to overload (default 60, at most 3600); before it a sixth of that
                        to warm up, and as much to find the capacity
  --rows-per-request N  rows in a request (default 100: what costs the server more than the generator)
  --connections N       requests under way at most (default 4000)
  --metrics URL         where the server's metrics are (default: port 9464 of the same host)
  --json FILE           save the figures
  --help                print this

Exit code: 0 when goodput stayed at 90 % of the capacity or above, 1 when it didn't, 2 for bad usage.
`;

/** @throws {UsageError} */
export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      factor: { type: 'string' },
      duration: { type: 'string' },
      'rows-per-request': { type: 'string' },
      connections: { type: 'string' },
      metrics: { type: 'string' },
      json: { type: 'string' },
    },
  });
  if (positionals.length > 1) throw new UsageError('one URL, no more');
  const url = readUrl(positionals[0] ?? '127.0.0.1:5000');
  return {
    url,
    metrics: new URL(values.metrics ?? `http://${url.hostname}:9464/metrics`),
    factor: readNumber('factor', values.factor, { least: 0.1, most: 100 }, 3),
    seconds: readNumber('duration', values.duration, { least: 3, most: 3600 }, 60),
    rowsPerRequest: readNumber(
      'rows-per-request',
      values['rows-per-request'],
      { least: 1, most: 10_000, whole: true },
      100,
    ),
    connections: readNumber('connections', values.connections, { least: 1, most: 15_000, whole: true }, 4000),
    json: values.json,
  };
}
