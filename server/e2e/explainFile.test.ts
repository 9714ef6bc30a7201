import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Golden } from '../model/signature.ts';
import { fromHome } from '../platform/install.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { withDeadline } from '../testing/withDeadline.ts';

const { columns, data } = JSON.parse(readFileSync(fromHome('models/adult/1/golden.json'), 'utf8')) as Golden;
/** The first golden rows have all cells. More rows than one request may have, and than are explained at a time. */
const ROWS = 50;
const MAX_EXPLAIN_ROWS = 40;
const rows = Array.from({ length: ROWS }, (_, row) => data[row % 20] as readonly unknown[]);
const toCsv = (lines: readonly (readonly unknown[])[], delimiter = ','): string =>
  [columns, ...lines]
    .map((cells) => `${cells.map((cell) => String((cell ?? '') as string | number)).join(delimiter)}\n`)
    .join('');

describe('POST /predict_file?explain=true', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({
      args: ['--no-proxy'],
      env: { MAX_EXPLAIN_ROWS: String(MAX_EXPLAIN_ROWS), DEADLINE_MS: '6000' },
    });
  }, 120_000);
  afterAll(() => server.clean());

  const post = (path: string, body: string, accept = 'text/csv', type = 'text/csv'): Promise<Response> =>
    withDeadline(
      `the answer to ${path}`,
      fetch(`http://127.0.0.1:${server.port}${path}`, {
        method: 'POST',
        headers: { 'content-type': type, accept },
        body,
      }),
      60_000,
    );
  /** The lines of an answer as cells. */
  const answered = async (query: string, body: string, delimiter = ','): Promise<string[][]> => {
    const response = await post(`/predict_file?explain=true${query}`, body);
    const text = await response.text();
    expect(response.status, text).toBe(200);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(delimiter));
  };

  it('adds the contributions of each column and the base, which add up to the score', async () => {
    const [titles = [], ...lines] = await answered('&probabilities=true', toCsv(rows));
    const own = columns.length;
    expect(titles.slice(own)).toEqual([
      'prediction',
      'probability_ <=50K',
      'probability_ >50K',
      ...columns.map((name) => `contribution_${name}`),
      'base',
    ]);
    expect(lines).toHaveLength(ROWS);
    for (const line of lines) {
      const [low, high, ...added] = line.slice(own + 1).map(Number);
      const score = line[own] === ' >50K' ? high : low;
      expect(Math.abs(added.reduce((sum, value) => sum + value, 0) - (score as number))).toBeLessThan(1e-6);
    }
    const few = { columns, data: rows.slice(0, 3) };
    const { explanations } = (await (
      await post('/explain', JSON.stringify(few), 'application/json', 'application/json')
    ).json()) as { explanations: { base: number; contributions: Record<string, number> }[] };
    explanations.forEach(({ base, contributions }, row) =>
      expect(lines[row]?.slice(own + 3).map(Number)).toEqual([...Object.values(contributions), base]),
    );
  });

  it('leaves the cells of an invalid row empty, in the form of the file', async () => {
    const broken = rows.slice(0, 3).with(1, (rows[1] as readonly unknown[]).with(0, 'x'));
    const [titles = [], ...lines] = await answered(
      '&on_error=null&delimiter=;&decimal=,',
      toCsv(broken, ';'),
      ';',
    );
    expect(titles).toHaveLength(columns.length + 1 + columns.length + 1);
    expect(lines[1]?.slice(columns.length)).toEqual(Array(columns.length + 2).fill(''));
    expect(lines[2]?.at(-1)).toMatch(/^0,\d+$/);
    expect(await answered('', `${columns.join()}\n`)).toHaveLength(1);
  });

  it('explains values', async () => {
    const housing = JSON.parse(readFileSync(fromHome('models/housing/1/golden.json'), 'utf8')) as Golden;
    const csv = [housing.columns, ...housing.data.slice(0, 5)].map((cells) => `${cells.join()}\n`).join('');
    const text = await (await post('/models/housing/predict_file?explain=true', csv)).text();
    for (const line of text.trimEnd().split('\n').slice(1)) {
      const [prediction, ...added] = line.split(',').slice(housing.columns.length).map(Number);
      const sum = added.reduce((total, value) => total + value, 0);
      expect(Math.abs(sum / (prediction as number) - 1)).toBeLessThan(1e-5);
    }
  });

  it.each([
    ['/predict_file?explain=true', 'application/json', 400, 'invalid_parameter'],
    ['/predict_file?explain=yes', 'text/csv', 400, 'invalid_parameter'],
    ['/predict_file?explain=true&explain=true', 'text/csv', 400, 'invalid_parameter'],
    ['/predict?explain=true', 'application/json', 400, 'invalid_parameter'],
    ['/models/text/predict_file?explain=true', 'text/csv', 409, 'not_explainable'],
  ])('%s as %s is %i %s', async (path, accept, status, code) => {
    const response = await post(path, toCsv(rows.slice(0, 1)), accept);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
  });
});
