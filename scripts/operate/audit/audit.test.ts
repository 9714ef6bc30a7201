import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PredictionRecord } from '../../../server/observers/predictionLog/record.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { bodyOf, readAdultRows } from '../../../server/testing/adultRows.ts';
import { needsRedis, redisMissing, withRedis } from '../../../server/testing/redis.ts';
import { runProgram } from '../../../server/testing/runProgram.ts';
import type { Server } from '../../../server/testing/startServer.ts';
import { startServer } from '../../../server/testing/startServer.ts';
import { withDeadline } from '../../../server/testing/withDeadline.ts';
import { audit } from './audit.ts';
import type { Report } from './report.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

const ROWS = 60;
const rows = readAdultRows().slice(0, ROWS);
const homes = JSON.parse(readFileSync(fromHome('models/housing/1/golden.json'), 'utf8')) as {
  readonly columns: readonly string[];
  readonly data: readonly unknown[][];
};
const COUNT = ROWS + 10 + homes.data.length;

let home: string;
let repository: string;
let server: Server;
/** What the server logged. */
let lines: readonly string[];

async function run(argv: readonly string[], interrupt = new AbortController().signal) {
  let [stdout, stderr] = ['', ''];
  const surroundings = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    folder: home,
    interrupt,
  };
  const code = await withDeadline(argv.join(' '), audit(argv, surroundings), 60_000);
  return { code, stdout, stderr };
}
const report = async (argv: readonly string[]) => {
  const { code, stdout, stderr } = await run([...argv, '--json']);
  if (stdout === '') throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as Report) };
};

const parse = (line: string): PredictionRecord => JSON.parse(line) as PredictionRecord;
/** The log in a file, with a change to some of its records. */
function logWith(change: (record: PredictionRecord, at: number) => object): string {
  const text = lines.map((line, at) => JSON.stringify(change(parse(line), at))).join('\n');
  writeFileSync(join(home, 'changed.jsonl'), `${text}\n`);
  return 'changed.jsonl';
}

const post = async (path: string, body: string, id: string): Promise<void> => {
  const headers = { 'content-type': 'application/json', 'x-request-id': id, connection: 'close' };
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
};

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'servemodel-audit.'));
  repository = join(home, 'models');
  for (const name of ['adult', 'housing']) {
    mkdirSync(join(repository, name), { recursive: true });
    cpSync(fromHome(`models/${name}/1`), join(repository, name, '1'), { recursive: true });
  }
  server = await startServer({
    args: ['--no-install', '--no-proxy'],
    env: { MODEL_REPOSITORY: repository, PREDICTION_LOG: `file:${join(home, 'log')}` },
  });
  await post('/predict', bodyOf(rows), 'many');
  for (const [at, row] of rows.slice(0, 10).entries()) await post('/predict', bodyOf([row]), `one-${at}`);
  await post(
    '/models/housing/predict',
    JSON.stringify({ columns: homes.columns, data: homes.data }),
    'homes',
  );
  // Its end writes what waits.
  expect((await server.stop()).code).toBe(0);
  const folder = join(home, 'log');
  lines = readdirSync(folder).flatMap((name) =>
    readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'),
  );
  server = await startServer({
    args: ['--no-install', '--no-proxy'],
    env: { MODEL_REPOSITORY: repository, WEB_CONCURRENCY: '1' },
  });
});
afterAll(async () => {
  await server.clean();
  rmSync(home, { recursive: true, force: true });
});

describe('an audit', () => {
  it('finds that every record of a folder still gets the same answer', async () => {
    expect(lines).toHaveLength(COUNT);
    const { code, stdout } = await run(['log', '--repository', 'models']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      `${COUNT} records: ${COUNT} same, 0 different, 0 of an unknown digest, 0 not checkable, 0 unreadable\n`,
    );
  });

  it('asks a running server, or one version of it', async () => {
    const url = `127.0.0.1:${server.port}`;
    expect(await report(['log', '--server', url])).toMatchObject({ code: 0, same: COUNT });
    const one = await report(['log', '--server', `http://${url}/models/adult/versions/1`]);
    expect(one).toMatchObject({ code: 1, same: ROWS + 10, unknownDigest: homes.data.length });
    const allowed = ['log', '--allow-unchecked', '--server', `http://${url}/models/adult/versions/1`];
    expect(await report(allowed)).toMatchObject({ code: 0, same: ROWS + 10 });
    expect(await report(['log', '--model', 'housing', '--server', url])).toMatchObject({
      code: 0,
      records: homes.data.length,
    });
  });

  it.each([
    ['another label', (r: PredictionRecord) => ({ output: { ...r.output, label: ' >50K.' } })],
    [
      'a probability',
      (r: PredictionRecord) => ({ output: { ...r.output, probabilities: { ' <=50K': 0.5, ' >50K': 0.5 } } }),
    ],
    // Of no weight to the answer, and yet not what was logged.
    ['a cell', (r: PredictionRecord) => ({ input: { ...r.input, fnlwgt: Number(r.input?.['fnlwgt']) + 1 } })],
    ['a cell and its text', (r: PredictionRecord) => ({ input: { ...r.input, age: '39' } })],
    ['one column less', ({ input }: PredictionRecord) => ({ input: { ...input, age: undefined } })],
    ['the hash', () => ({ inputSha256: '0'.repeat(64) })],
    [
      'a row in the place of another, with its hash',
      ({ output }: PredictionRecord) => {
        const other = parse(
          lines.find((line) => !line.includes(JSON.stringify(output).slice(0, 16))) as string,
        );
        return { input: other.input, inputSha256: other.inputSha256 };
      },
    ],
  ])('detects that somebody changed %s', async (_, change) => {
    const victim = lines.findIndex((line) => parse(line).requestId === 'one-3');
    const log = logWith((record, at) => (at === victim ? { ...record, ...change(record) } : record));
    const found = await report([log, '--repository', 'models']);
    expect(found).toMatchObject({ code: 1, different: 1, same: COUNT - 1 });
    expect(found.differences).toMatchObject([{ requestId: 'one-3', row: 0, model: 'adult/1' }]);
  });

  it.each([
    ['the input', { input: undefined }],
    ['input and hash', { input: undefined, inputSha256: undefined }],
    ['the digest', { sha256: 'f'.repeat(64) }],
  ])('detects that somebody changed answers, and %s so that they cannot be checked', async (_, hidden) => {
    const forge = (record: PredictionRecord) => ({
      ...record,
      ...hidden,
      output: { label: ' >50K', probabilities: { ' <=50K': 0, ' >50K': 1 } },
    });
    const victims = new Set(['one-3', 'one-4']);
    const some = logWith((record) => (victims.has(record.requestId) ? forge(record) : record));
    const { code, stdout, stderr } = await run([some, '--repository', 'models']);
    expect([code, stdout]).toEqual([1, expect.stringContaining(`${COUNT - 2} same, 0 different`)]);
    expect(stderr).toContain(`2 of ${COUNT} records can't be checked: `);
    expect(await run([logWith(forge), '--repository', 'models'])).toMatchObject({ code: 1 });
  });

  it('does not take a log that was emptied for one that is right', async () => {
    writeFileSync(join(home, 'empty.jsonl'), '');
    const empty = await run(['empty.jsonl', '--repository', 'models']);
    expect(empty).toMatchObject({ code: 1, stderr: 'there is no record\n' });
  });

  it('detects a changed value, and reports what is logged and what is answered now', async () => {
    const log = logWith((record) =>
      'value' in record.output && record.row === 2
        ? { ...record, output: { value: Number(record.output.value) + 0.01 } }
        : record,
    );
    const { code, differences } = await report([log, '--repository', 'models']);
    expect([code, differences.length]).toEqual([1, 1]);
    const { stdout } = await run([log, '--repository', 'models']);
    expect(stdout).toMatch(/^request homes, row 2 \(housing\/1, .*\n.*\n {2}logged {2}\{.*\n {2}present \{/);
    const [{ requestId, row, logged, present }] = differences as [Report['differences'][number]];
    expect([requestId, row]).toEqual(['homes', 2]);
    expect((logged as { value: number }).value - (present as { value: number }).value).toBeCloseTo(0.01, 4);
  });

  it('reports digests of no version, and what is no record', async () => {
    const log = logWith((record, at) => (at < 5 ? { ...record, sha256: 'f'.repeat(64) } : record));
    expect(await report([log, '--repository', 'models'])).toMatchObject({ code: 1, unknownDigest: 5 });
    writeFileSync(
      join(home, 'torn.jsonl'),
      `${lines.slice(0, 3).join('\n')}\n${lines[3]?.slice(0, 99)}\n{}\n`,
    );
    const torn = await report(['torn.jsonl', '--repository', 'models']);
    expect(torn).toMatchObject({ code: 1, records: 5, same: 3, unreadable: 2 });
    expect(torn.unreadablePlaces).toEqual([4, 5].map((at) => `${join(home, 'torn.jsonl')}:${at}`));
  });

  it('checks a hash where the inputs are given', async () => {
    const log = logWith((record) => ({ ...record, input: undefined }));
    const { code, stderr } = await run([log, '--repository', 'models']);
    // A slow machine shows progress before it.
    expect([code, stderr.replace(/^\d+ records checked, .*\n/gm, '')]).toEqual([
      1,
      `${COUNT} of ${COUNT} records can't be checked: the log has no input of theirs, or only its hash ` +
        '(PREDICTION_LOG_INPUT); --inputs FILE finds inputs by their hash\n',
    ]);
    const allowed = await report([log, '--repository', 'models', '--allow-unchecked']);
    expect(allowed).toMatchObject({ code: 0, notCheckable: COUNT });
    const inputs = lines
      .map((line) => JSON.stringify(parse(line).input))
      .filter((line) => line.includes('age'));
    writeFileSync(join(home, 'inputs.jsonl'), inputs.join('\n'));
    const checked = ['--repository', 'models', '--model', 'adult', '--inputs', 'inputs.jsonl'];
    expect(await report([log, ...checked])).toMatchObject({ code: 0, same: ROWS + 10 });
    const changed = logWith((record) => ({
      ...record,
      input: undefined,
      ...(record.requestId === 'one-3' && { output: { ...record.output, label: 'x' } }),
    }));
    expect(await report([changed, ...checked])).toMatchObject({ code: 1, different: 1 });
  });

  it.skipIf(redisMissing !== undefined)(needsRedis('reads the streams of a Redis'), async () => {
    await withRedis(mkdtempSync(join(home, 'redis-')), async (redis) => {
      const add = (line: string) =>
        redis.command(
          'XADD',
          `servemodel:predictions:${parse(line).model.split('/')[0]}`,
          '*',
          'record',
          line,
        );
      for (const line of lines) await add(line);
      const argv = [redis.url, '--repository', 'models'];
      expect(await report(argv)).toMatchObject({ code: 0, records: COUNT, same: COUNT });
      expect(await report([...argv, '--model', 'housing'])).toMatchObject({ same: homes.data.length });
      expect(await report([...argv, '--limit', '7'])).toMatchObject({ code: 0, records: 7, same: 7 });
      await add((lines[0] as string).replace('"label":" <=50K"', '"label":" >50K"'));
      const found = await report(argv);
      expect(found).toMatchObject({ code: 1, same: COUNT, different: 1 });
      expect(found.differences[0]?.place).toMatch(/^servemodel:predictions:adult \d+-\d+$/);
      await redis.kill();
      const { code, stdout, stderr } = await run(argv);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^Redis can't be read: .*ECONNREFUSED/);
      expect(stderr).not.toContain(redis.password);
    });
  });

  it.each([
    [[], 'a LOG is needed'],
    [['redis://user:hush@h:x'], 'LOG must be'],
    [['log', '--server', 'ftp://h'], '--server must be'],
    [['log', '--server', 'h/predict'], '--server may have the path'],
    [['log', '--server', 'h', '--repository', 'models'], 'not both'],
    [['log', '--limit', '0'], '--limit must be'],
    [['log', '--speed'], "Unknown option '--speed'"],
    [['nothing.jsonl'], "can't be read"],
    [['log', '--repository', 'none'], 'cannot be read (ENOENT)'],
  ])('refuses %j', async (argv, message) => {
    const { code, stdout, stderr } = await run(argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('hush');
  });

  it('ends in order when it is interrupted', async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const { code, stdout } = await run(['log', '--repository', 'models'], interrupt.signal);
    expect(code).toBe(130);
    expect(stdout).toMatch(/; interrupted\n$/);
  });
});

it('runs from any folder', async () => {
  const help = await runProgram(fromHome('scripts/run'), ['audit', '--help'], { cwd: tmpdir() });
  expect(help).toMatch(/^Usage: npm run audit -- /);
  const out = await runProgram(fromHome('scripts/run'), ['audit', '--repository', repository], {
    cwd: tmpdir(),
    env: { PREDICTION_LOG: `file:${join(home, 'log')}` },
  });
  expect(out).toContain(`${COUNT} same`);
}, 120_000);
