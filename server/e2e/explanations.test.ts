import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Golden } from '../model/signature.ts';
import { fromHome } from '../platform/install.ts';
import { scrape } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer, withServer } from '../testing/startServer.ts';
import { withDeadline } from '../testing/withDeadline.ts';

interface Explanation {
  readonly class?: string;
  readonly base: number;
  readonly output: number;
  readonly contributions: Readonly<Record<string, number>>;
  readonly other?: number;
}
interface Answer<E = Explanation> {
  readonly predictions: readonly unknown[];
  readonly probabilities?: readonly (readonly number[])[];
  readonly explanations: readonly E[];
  readonly space: string;
}

const golden = (id: string): Golden =>
  JSON.parse(readFileSync(fromHome(`models/${id}/golden.json`), 'utf8')) as Golden;
const bodyOf = ({ columns, data }: Golden, rows = data.length): string =>
  JSON.stringify({ columns, data: data.slice(0, rows) });
const sumOf = ({ base, contributions, other = 0 }: Explanation): number =>
  Object.values(contributions).reduce((sum, value) => sum + value, base) + other;

const post = async (server: Server, path: string, body: string): Promise<Response> =>
  withDeadline(
    `the answer to ${path}`,
    fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }),
    30_000,
  );
async function explained<E = Explanation>(server: Server, path: string, body: string): Promise<Answer<E>> {
  const response = await post(server, path, body);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as Answer<E>;
}

describe('explanations of the shipped models', () => {
  let server: Server;
  beforeAll(async () => {
    // A first explanation reads the file: more than the usual deadline on a busy machine.
    server = await startServer({
      args: ['--no-proxy'],
      env: { MAX_EXPLAIN_ROWS: '40', DEADLINE_MS: '6000' },
    });
  }, 120_000);
  afterAll(() => server.clean());

  it.each(['adult/1', 'adult/2', 'iris/1', 'cost/1', 'housing/1'])(
    'add up to the answers of %s',
    async (id) => {
      const rows = golden(id);
      const path = `/models/${id.replace('/', '/versions/')}/explain`;
      const query = rows.probabilities ? '?probabilities=true' : '';
      const answer = await explained(server, path + query, bodyOf(rows));
      const { predictions, explanations, space } = answer;
      const boosted = id === 'adult/2';
      rows.predictions.forEach((predicted, row) => {
        const one = explanations[row] as Explanation;
        expect(Object.keys(one.contributions)).toHaveLength(rows.columns.length);
        expect(Math.abs(sumOf(one) - one.output)).toBeLessThan(1e-9);
        if (!rows.probabilities) {
          expect(space).toBe('value');
          expect(one.class).toBeUndefined();
          expect(Math.abs(one.output / (predicted as number) - 1)).toBeLessThan(1e-5);
          return;
        }
        expect(predictions[row]).toBe(predicted);
        expect([one.class, space]).toEqual([predicted, boosted ? 'margin' : 'probability']);
        const probability = Math.max(...(answer.probabilities?.[row] ?? []));
        expect(Math.abs(probability - Math.max(...(rows.probabilities[row] as number[])))).toBeLessThan(1e-6);
        const own = boosted ? 1 / (1 + Math.exp(-one.output)) : one.output;
        expect(Math.abs(own - probability)).toBeLessThan(1e-5);
      });
    },
  );

  it('are of a class, of all, and the largest alone', async () => {
    const body = bodyOf(golden('adult/1'), 3);
    const all = await explained<readonly Explanation[]>(server, '/explain?class=all', body);
    const high = await explained(server, `/explain?class=${encodeURIComponent(' >50K')}`, body);
    const top = await explained(server, `/explain?top=2&class=${encodeURIComponent(' >50K')}`, body);
    all.explanations.forEach(([low, other], row) => {
      expect([low?.class, other]).toEqual([' <=50K', high.explanations[row]]);
      expect((low?.output as number) + (other?.output as number)).toBeCloseTo(1, 12);
      const { contributions, other: rest } = top.explanations[row] as Explanation;
      const sizes = Object.values((other as Explanation).contributions)
        .map(Math.abs)
        .sort((a, b) => b - a);
      expect(Object.values(contributions).map(Math.abs)).toEqual(sizes.slice(0, 2));
      expect(rest).toBeDefined();
      expect(sumOf(top.explanations[row] as Explanation)).toBeCloseTo(other?.output as number, 12);
    });
  });

  it('give a row the same contributions in any company, and report their time', async () => {
    const rows = golden('adult/1');
    const together = await explained(server, '/explain', bodyOf(rows, 20));
    const response = await post(server, '/explain', bodyOf(rows, 1));
    expect(response.headers.get('server-timing')).toMatch(/, explain;dur=\d+\.\d{3}$/);
    expect(response.headers.get('x-model')).toBe('adult/1');
    expect(((await response.json()) as Answer).explanations).toEqual(together.explanations.slice(0, 1));
    expect(await explained(server, '/explain', bodyOf(rows, 0))).toMatchObject({ explanations: [] });
    const metrics = await scrape(server);
    expect(metrics.sum('explanation_rows_total', 'model="adult"')).toBeGreaterThan(20);
  });

  it('take CSV, and have the warnings and errors of predictions', async () => {
    const { columns, data } = golden('iris/1');
    const csv = `${columns.join()}\n${data[0]?.join()}\n`;
    const response = await fetch(`http://127.0.0.1:${server.port}/models/iris/explain`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: csv,
    });
    expect([response.status, ((await response.json()) as Answer).explanations.length]).toEqual([200, 1]);
    const adult = golden('adult/1');
    const unknown = adult.data[0]?.with(adult.columns.indexOf('workclass'), 'x');
    const answer = await explained(
      server,
      '/explain',
      JSON.stringify({ columns: adult.columns, data: [unknown] }),
    );
    expect(answer).toMatchObject({ warningsTotal: 1, explanations: [{}] });
    const wrong = adult.data[0]?.with(adult.columns.indexOf('age'), 'x');
    expect(
      (await post(server, '/explain', JSON.stringify({ columns: adult.columns, data: [wrong] }))).status,
    ).toBe(422);
  });

  it.each([
    ['/models/text/explain', 1, 409, 'not_explainable'],
    ['/explain', 41, 413, 'too_many_rows'],
    ['/explain?class=x', 1, 400, 'invalid_parameter'],
    ['/explain?top=0', 1, 400, 'invalid_parameter'],
    ['/explain?top=1&top=2', 1, 400, 'invalid_parameter'],
    ['/explain?on_error=null', 1, 400, 'invalid_parameter'],
    ['/models/housing/explain?probabilities=true', 1, 400, 'invalid_parameter'],
    ['/models/housing/explain?class=all', 1, 400, 'invalid_parameter'],
    ['/models/nothing/explain', 1, 404, 'model_not_found'],
  ])('%s with %i rows is refused with %i %s', async (path, count, status, code) => {
    const { columns, data } = golden('adult/1');
    const rows = Array.from({ length: count }, (_, row) => data[row % data.length]);
    const response = await post(server, path, JSON.stringify({ columns, data: rows }));
    const problem = (await response.json()) as { readonly code: string; readonly detail: string };
    expect([response.status, problem.code]).toEqual([status, code]);
    if (code === 'too_many_rows') expect(problem.detail).toContain('At most 40 rows');
  });

  it('are described by GET /models/{model}', async () => {
    const of = async (name: string): Promise<unknown> =>
      (
        (await (await fetch(`http://127.0.0.1:${server.port}/models/${name}`)).json()) as Record<
          string,
          unknown
        >
      )['explanation'];
    expect(await of('adult/versions/2')).toMatchObject({ method: 'tree_path_dependent', space: 'margin' });
    expect(await of('text')).toHaveProperty('reason');
  });
});

it('EXPLAIN=off leaves the routes out', async () => {
  await withServer({ args: ['--no-proxy'], env: { EXPLAIN: 'off' } }, async (server) => {
    expect((await post(server, '/explain', '{}')).status).toBe(404);
    const answer = await fetch(`http://127.0.0.1:${server.port}/models/adult`);
    expect(await answer.json()).not.toHaveProperty('explanation');
  });
}, 120_000);
