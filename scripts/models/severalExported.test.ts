import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Label } from '../../worker/protocol.ts';
import type { V2Output } from '../../server/testing/askAll.ts';
import { post } from '../../server/testing/askAll.ts';
import { isClose } from '../../server/testing/bareModels.ts';
import type { Server } from '../../server/testing/startServer.ts';
import { CHECKOUT, startServer } from '../../server/testing/startServer.ts';
import { trainingMissing, trainingPython } from '../../server/testing/trainingPython.ts';
import { withDeadline } from '../../server/testing/withDeadline.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 400_000 });

/** The library's answers to rows that the model hasn't seen. */
interface Held {
  readonly task: string;
  readonly rows: { readonly columns: readonly string[]; readonly data: readonly (readonly Label[])[] };
  readonly predictions: readonly (Label | readonly Label[])[];
  readonly probabilities?: readonly (readonly number[])[];
  readonly score?: readonly number[];
  readonly distances?: readonly (readonly number[])[];
}

/** What stands beside the predictions, by the names of exportSeveral.py. */
const MODELS: Readonly<Record<string, 'probabilities' | 'score' | 'distances' | undefined>> = {
  values: undefined,
  'values-side-by-side': undefined,
  labels: 'probabilities',
  bits: 'probabilities',
  chain: 'probabilities',
  outliers: 'score',
  'one-class': 'score',
  clusters: 'distances',
  bisections: 'distances',
  vector: undefined,
  mixture: 'probabilities',
  'label-alone': undefined,
  ranks: undefined,
  'ranks-xgboost': undefined,
};

async function python(...args: readonly string[]): Promise<string> {
  const child = spawn(trainingPython, args, {
    cwd: CHECKOUT,
    env: { ...process.env, PYTHONPATH: join(CHECKOUT, 'python/src'), PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code] = (await withDeadline(args[0] ?? '', once(child, 'close'), 300_000)) as [number];
  expect(code, errors).toBe(0);
  return out;
}

/** Prints the columns and the first row of a frame of answers, as JSON. */
const LOAD = `
import json, sys, pandas as pd, servemodel
url, model, rows, probabilities = sys.argv[1:]
rows = json.loads(rows)
frame = pd.DataFrame(rows["data"], columns=rows["columns"])
found = servemodel.load_answers(url, frame, model=model, probabilities=probabilities == "yes")
table = found if isinstance(found, pd.DataFrame) else found.to_frame()
print(json.dumps([type(found).__name__, list(table.columns), table.iloc[0].tolist()]))
`;

describe.skipIf(trainingMissing)(
  `exported models of several values${trainingMissing ? ` (${trainingMissing})` : ''}`,
  () => {
    const repository = mkdtempSync(join(tmpdir(), 'servemodel-several-'));
    let server: Server;
    const held = (name: string): Held =>
      JSON.parse(readFileSync(join(repository, name, 'held.json'), 'utf8')) as Held;

    beforeAll(async () => {
      await python('scripts/testing/exportSeveral.py', repository);
      server = await startServer({
        env: { MODEL_REPOSITORY: repository, WEB_CONCURRENCY: '1', DEFAULT_MODEL: 'values' },
        args: ['--no-install', '--no-proxy'],
      });
      await server.ready();
    });

    afterAll(async () => {
      await server.stop();
      await server.clean();
      rmSync(repository, { recursive: true, force: true });
    });

    it.each(Object.entries(MODELS))('%s has the answers of its library', async (name, beside) => {
      const { task, rows, predictions, ...others } = held(name);
      expect(rows.data.length).toBeGreaterThanOrEqual(200);
      const wanted = beside && others[beside];
      // Labels of more than two classes have no one probability.
      const query = beside === 'probabilities' && wanted ? '?probabilities=true' : '';
      const { status, text } = await post(server, `/models/${name}/predict${query}`, rows);
      expect(status, text.slice(0, 300)).toBe(200);
      const answer = JSON.parse(text) as Partial<Held>;
      expect(isClose(answer.predictions, predictions)).toBe(true);
      if (beside && wanted) expect(isClose(answer[beside], wanted), beside).toBe(true);
      const details = await fetch(`http://127.0.0.1:${server.port}/models/${name}`);
      expect(await details.json()).toMatchObject({ task });
    });

    it('a label alone is answered as it was trained, in each dialect', async () => {
      const { rows, predictions } = held('label-alone');
      const first = { columns: rows.columns, data: rows.data.slice(0, 1) };
      const native = await post(server, '/models/label-alone/predict', first);
      expect(native.text).toBe(`{"predictions":[${(predictions[0] as number).toFixed(1)}]}`);
      const inputs = rows.columns.map((name, at) => ({
        name,
        shape: [1],
        datatype: name === 'city' ? 'BYTES' : 'FP64',
        data: [rows.data[0]?.[at]],
      }));
      const v2 = await post(server, '/v2/models/label-alone/infer', { inputs });
      const { outputs } = JSON.parse(v2.text) as { outputs: V2Output[] };
      expect(outputs).toMatchObject([{ name: 'label', datatype: 'FP64', data: [predictions[0]] }]);
      const asked = await post(server, '/models/label-alone/predict?probabilities=true', first);
      expect(asked.status, asked.text).toBe(400);
    });

    it('a notebook gets a column for each value, by its name', async () => {
      const url = `http://127.0.0.1:${server.port}`;
      const load = async (name: string, probabilities = 'no'): Promise<unknown> =>
        JSON.parse(await python('-c', LOAD, url, name, JSON.stringify(held(name).rows), probabilities));
      const first = (name: string): unknown[] => [held(name).predictions[0]].flat();
      const close = (values: readonly number[]): unknown[] =>
        values.map((value) => expect.closeTo(value, 4) as unknown);
      expect(await load('values')).toEqual([
        'DataFrame',
        ['price', 'days'],
        close(first('values') as number[]),
      ]);
      expect(await load('labels')).toEqual(['DataFrame', ['late', 'kind'], first('labels')]);
      const [probabilities = []] = held('bits').probabilities ?? [];
      expect(await load('bits', 'yes')).toEqual(['DataFrame', ['late', 'high'], close(probabilities)]);
      expect(await load('outliers')).toEqual([
        'DataFrame',
        ['prediction', 'score'],
        [...first('outliers'), ...close([held('outliers').score?.[0] as number])],
      ]);
      expect(await load('clusters')).toEqual([
        'DataFrame',
        ['prediction', ...[0, 1, 2, 3].map((at) => `distance_${at}`)],
        [...first('clusters'), ...close(held('clusters').distances?.[0] ?? [])],
      ]);
      expect(await load('ranks')).toEqual(['Series', ['prediction'], close(first('ranks') as number[])]);
    });
  },
);
