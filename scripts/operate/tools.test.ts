import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHome } from '../../server/platform/install.ts';
import type { Server } from '../../server/testing/startServer.ts';
import { freePort } from '../../server/testing/freePort.ts';
import { startServer } from '../../server/testing/startServer.ts';
import { withDeadline } from '../../server/testing/withDeadline.ts';
import { replay } from './replay/replay.ts';
import { simulate } from './simulate/simulate.ts';
import type { Tool } from '../cli/tool.ts';

interface Golden {
  readonly columns: readonly string[];
  readonly data: readonly (readonly (string | number | boolean)[])[];
  readonly predictions: readonly number[];
}

const golden = JSON.parse(readFileSync(fromHome('models/housing/1/golden.json'), 'utf8')) as Golden;
const HEADER = [...golden.columns, 'MEDV'].join();

/** Rows of the housing model with the true answer beside them, as a data scientist's file has it. */
const csv = (rows: number, header = HEADER): string =>
  [header, ...golden.data.slice(0, rows).map((row) => [...row, 20].join())].join('\n');

let folder: string;
let server: Server;

/** Runs a tool in this process, as its entry does. */
async function run(tool: Tool, argv: readonly string[], interrupt = new AbortController().signal) {
  let [stdout, stderr] = ['', ''];
  const code = await withDeadline(
    argv.join(' '),
    tool(argv, {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      folder,
      interrupt,
    }),
    15_000,
  );
  return { code, stdout, stderr };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'servemodel-tools.'));
  for (const name of ['housing', 'cost']) {
    mkdirSync(join(folder, 'models', name), { recursive: true });
    cpSync(fromHome(`models/${name}/1`), join(folder, 'models', name, '1'), { recursive: true });
  }
  writeFileSync(join(folder, 'homes.csv'), csv(golden.data.length));
  server = await startServer({
    env: { MODEL_REPOSITORY: join(folder, 'models'), DEFAULT_MODEL: 'housing', WEB_CONCURRENCY: '1' },
  });
});
afterAll(async () => {
  await server.stop();
  await server.clean();
  rmSync(folder, { recursive: true });
});

const address = (path = ''): string => `127.0.0.1:${server.port}${path}`;

describe('replay', () => {
  it('posts every row of a file and prints what the training side answered', async () => {
    const argv = [
      'homes.csv',
      address(),
      '--without',
      'MEDV',
      '--form',
      'split',
      '--rate',
      '1000',
      '--print',
    ];
    const { code, stdout, stderr } = await run(replay, argv);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.pop()).toMatch(new RegExp(`^${golden.data.length} of ${golden.data.length} rows answered`));
    const answers = lines.map((line) => Object.values(JSON.parse(line) as Record<string, number[]>)[0]?.[0]);
    expect(answers).toHaveLength(golden.predictions.length);
    golden.predictions.forEach((value, row) => expect(answers[row]).toBeCloseTo(value, 3));
    expect(stderr).toMatch(/\[█{20}\] {2}\d+ of \d+ rows {2}[\d.]+ rows\/s {2}errors 0 {2}last [\d.]+\n$/);
  });

  it('keeps the rate, and sends no more rows than it may', async () => {
    const started = performance.now();
    const argv = ['homes.csv', address(), '--without', 'MEDV', '--form', 'split', '--rate', '20'];
    const { code, stdout } = await run(replay, [...argv, '--limit', '11']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^11 of 11 rows answered/);
    expect(performance.now() - started).toBeGreaterThan(490);
  });

  it('prints what the server answers to a refused row, and exits with 1', async () => {
    const argv = ['homes.csv', address('/predict'), '--form', 'split', '--limit', '7', '--rate', '1000'];
    const { code, stdout, stderr } = await run(replay, argv);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^0 of 7 rows answered in [\d.]+ s, 7 failed\n$/);
    expect(stderr).toMatch(/^row 0: status 4\d\d.*MEDV/s);
    expect(stderr.match(/^row/gm)).toHaveLength(5);
  });

  it.each(['/models/cost/predict', '/models/housing/predict', '/predict'])(
    'makes up rows that the model at %s takes, the same for the same seed',
    async (path) => {
      const argv = ['--made-up', '7', address(path), '--rate', '1000', '--print'];
      const { code, stdout } = await run(replay, argv);
      expect(code).toBe(0);
      const lines = stdout.trimEnd().split('\n');
      expect(lines.pop()).toMatch(/^7 of 7 rows answered in [\d.]+ s, 0 failed$/);
      expect(new Set(lines).size).toBeGreaterThan(1);
      expect((await run(replay, argv)).stdout.split('\n').slice(0, 7)).toEqual(lines);
      expect((await run(replay, [...argv, '--seed', '1'])).stdout.split('\n').slice(0, 7)).not.toEqual(lines);
    },
  );

  it('gives up when no server answers', async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await run(replay, ['homes.csv', `127.0.0.1:${port}`, '--rate', '1000']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/, 5 failed\n$/);
    expect(stderr).toContain('ECONNREFUSED');
    expect(stderr).toContain('given up: 5 rows');
  });

  it('ends in order when it is interrupted', async () => {
    const interrupt = new AbortController();
    const argv = ['homes.csv', address(), '--without', 'MEDV', '--form', 'split', '--rate', '1', '--print'];
    const running = run(replay, argv, interrupt.signal);
    setTimeout(() => interrupt.abort(), 100);
    const { code, stdout } = await running;
    expect(code).toBe(130);
    expect(stdout).toMatch(/, 0 failed\n$/);
  });

  it.each([
    [[], 'a CSV file is needed'],
    [['--made-up', '0'], '--made-up must be a whole number from 1 to 100000'],
    [['--made-up', '2', 'homes.csv', 'host'], 'one FILE (or --made-up N) and one URL, no more'],
    [['--made-up', '2', '--text', 'RAD'], '--without and --text are for the columns of a FILE'],
    [['homes.csv', '--seed', '1'], '--seed is for --made-up'],
    [['none.csv'], "none.csv can't be read as CSV"],
    [['homes.csv', '--rate', '0'], '--rate must be a number from 0.01 to 1000'],
    [['homes.csv', '--limit', '1.5'], '--limit must be a whole number'],
    [['homes.csv', '--form', 'xml'], '--form must be'],
    [['homes.csv', '--without', 'PRICE'], 'homes.csv has no column "PRICE"'],
    [['homes.csv', 'ftp://host'], 'URL must be an http or https address'],
    [['homes.csv', '--speed', '3'], "Unknown option '--speed'"],
  ])('refuses %j', async (argv, message) => {
    const { code, stdout, stderr } = await run(replay, argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
  });
});

describe('simulate', () => {
  it('prints as many costs as asked for, in two decimals, the same for the same seed', async () => {
    const argv = [address('/models/cost/predict'), '--num_requests', '5'];
    const { code, stdout, stderr } = await run(simulate, argv);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/^\{"cost":\d+(\.\d{1,2})?\}$/);
    expect((await run(simulate, argv)).stdout).toBe(stdout);
    expect((await run(simulate, [...argv, '--seed', '7'])).stdout).not.toBe(stdout);
  });

  it('prints why the server refuses, and exits with 1', async () => {
    const argv = [address('/predict?on_error=none'), '--num-requests', '2'];
    const { code, stdout, stderr } = await run(simulate, argv);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^request 1: status 4\d\d.*\nrequest 2: /s);
  });

  it('makes up the rows of any model', async () => {
    const { code, stdout, stderr } = await run(simulate, [address(), '--num_requests', '2']);
    expect({ code, stderr, lines: stdout.split('\n').length }).toEqual({ code: 0, stderr: '', lines: 3 });
  });

  it('ends at once where no model answers', async () => {
    const { code, stdout, stderr } = await run(simulate, [address('/models/none/predict')]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^request 1: no model answers there: status 404 .*\n$/);
  });

  it('ends at once when no server answers', async () => {
    const port = await freePort();
    const { code, stderr } = await run(simulate, [`127.0.0.1:${port}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^request 1: [^\n]*ECONNREFUSED[^\n]*\n$/);
  });

  it('refuses a wrong number', async () => {
    const { code, stderr } = await run(simulate, ['--num_requests', '0']);
    expect(code).toBe(2);
    expect(stderr).toContain('--num_requests must be a whole number from 1 to 100000');
  });
});

it.each(['replay', 'simulate'])(
  '%s runs from any folder, and --help prints the usage to stdout',
  (name) => {
    const { status, stdout, stderr } = spawnSync(fromHome('scripts/run'), [name, '--help'], {
      cwd: tmpdir(),
      encoding: 'utf8',
      timeout: 100_000,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: npm run ${name} -- `));
  },
  120_000,
);
