import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHome } from '../platform/install.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { withDeadline } from '../testing/withDeadline.ts';

const FIXTURES = fromHome('server/loading/fixtures/explained');
const NAMES = ['logistic', 'network', 'network-of-many', 'forest'];

interface Answer {
  readonly predictions: readonly unknown[];
  readonly explanations: readonly {
    readonly base: number;
    readonly output: number;
    readonly contributions: Readonly<Record<string, number>>;
    readonly standardErrors?: Readonly<Record<string, number>>;
  }[];
  readonly space: string;
  readonly method: string;
  readonly samples?: number;
}
interface Facts {
  readonly explanation: {
    readonly method?: string;
    readonly space?: string;
    readonly reason?: string;
    readonly importance?: Readonly<Record<string, number>>;
  };
}

const rowsOf = (name: string): { columns: string[]; data: unknown[][] } =>
  JSON.parse(readFileSync(join(FIXTURES, name, '1/golden.json'), 'utf8')) as never;

describe('explanations by other methods than trees', () => {
  let server: Server;
  let repository: string;
  beforeAll(async () => {
    repository = mkdtempSync(join(tmpdir(), 'explained-'));
    for (const name of NAMES)
      cpSync(join(FIXTURES, name, '1'), join(repository, name, '1'), { recursive: true });
    cpSync(join(FIXTURES, 'network', '1'), join(repository, 'bare', '1'), { recursive: true });
    rmSync(join(repository, 'bare', '1', 'background.json'));
    server = await startServer({
      args: ['--no-proxy'],
      env: {
        MODEL_REPOSITORY: repository,
        DEFAULT_MODEL: 'logistic',
        DEADLINE_MS: '6000',
        WEB_CONCURRENCY: '1',
      },
    });
  }, 120_000);
  afterAll(async () => {
    await server.clean();
    rmSync(repository, { recursive: true, force: true });
  });
  const post = (path: string, body: unknown): Promise<Response> =>
    withDeadline(
      `the answer to ${path}`,
      fetch(`http://127.0.0.1:${server.port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
      60_000,
    );
  const factsOf = async (name: string): Promise<Facts['explanation']> =>
    ((await (await fetch(`http://127.0.0.1:${server.port}/models/${name}`)).json()) as Facts).explanation;

  it.each([
    ['logistic', 'linear', 'margin', undefined],
    ['network', 'exact', 'probability', 64],
    ['network-of-many', 'permutation', 'value', 32],
    ['forest', 'tree_path_dependent', 'probability', undefined],
  ])('%s: %s in the space %s', async (name, method, space, samples) => {
    const { columns, data } = rowsOf(name);
    const body = { columns, data: data.slice(0, 3) };
    const answer = (await (await post(`/models/${name}/explain`, body)).json()) as Answer;
    expect(answer).toMatchObject({ method, space, ...(samples && { samples }) });
    expect(answer.samples).toBe(samples);
    for (const { base, output, contributions, standardErrors } of answer.explanations) {
      expect(Object.keys(contributions)).toEqual(columns);
      const sum = Object.values(contributions).reduce((total, value) => total + value, base);
      expect(Math.abs(sum - output)).toBeLessThanOrEqual(1e-6);
      expect(standardErrors === undefined).toBe(method !== 'permutation');
      if (standardErrors) expect(Object.keys(standardErrors)).toEqual(columns);
    }
    // Alone as in company.
    const alone = (await (
      await post(`/models/${name}/explain`, { columns, data: data.slice(2, 3) })
    ).json()) as Answer;
    expect(alone.explanations).toEqual(answer.explanations.slice(2));
    // The output is the answer.
    const probabilities = (await (
      await post(`/models/${name}/predict${space === 'value' ? '' : '?probabilities=true'}`, body)
    ).json()) as {
      readonly predictions: readonly number[];
      readonly probabilities?: readonly number[][];
    };
    answer.explanations.forEach(({ output }, row) => {
      const own = probabilities.probabilities
        ? Math.max(...(probabilities.probabilities[row] as number[]))
        : (probabilities.predictions[row] as number);
      expect(method === 'linear' ? 1 / (1 + Math.exp(-output)) : output).toBeCloseTo(own, 5);
    });
  });

  it.each(NAMES)('GET /models/%s has the importance of its columns', async (name) => {
    const deadline = Date.now() + 60_000;
    let facts = await factsOf(name);
    while (!facts.importance && Date.now() < deadline) facts = await factsOf(name);
    expect(Object.keys(facts.importance ?? {})).toEqual(rowsOf(name).columns);
    for (const size of Object.values(facts.importance ?? {})) expect(size).toBeGreaterThanOrEqual(0);
  });

  it('a model without background rows says how it gets them', async () => {
    const { columns, data } = rowsOf('network');
    const response = await post('/models/bare/explain', { columns, data: data.slice(0, 1) });
    expect([response.status, await response.json()]).toMatchObject([
      409,
      {
        code: 'not_explainable',
        detail: expect.stringContaining('npm run import -- add-explanations') as string,
      },
    ]);
    expect(await factsOf('bare')).toEqual({ reason: expect.stringContaining('add-explanations') as string });
  });

  it('more rows than the deadline leaves time for are refused, naming how many are not', async () => {
    const { columns, data } = rowsOf('network-of-many');
    const many = Array.from({ length: 1000 }, (_, row) => data[row % data.length]);
    // Costs are known by now.
    const response = await post('/models/network-of-many/explain', { columns, data: many });
    const problem = (await response.json()) as { readonly code: string; readonly detail: string };
    expect([response.status, problem.code]).toEqual([413, 'too_many_rows']);
    expect(problem.detail).toMatch(/^At most \d+ rows of this model/);
  });
});
