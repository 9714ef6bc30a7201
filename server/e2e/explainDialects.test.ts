import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Golden } from '../model/signature.ts';
import { fromHome } from '../platform/install.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer, withServer } from '../testing/startServer.ts';
import { withDeadline } from '../testing/withDeadline.ts';

const VERTEX = '/vertex/explain';
const ROWS = 4;
const golden = (id: string): Golden =>
  JSON.parse(readFileSync(fromHome(`models/${id}/golden.json`), 'utf8')) as Golden;
const ADULT = golden('adult/1');

interface Explanation {
  readonly class?: string;
  readonly base: number;
  readonly output: number;
  readonly contributions: Readonly<Record<string, number>>;
}
interface Native {
  readonly predictions: readonly unknown[];
  readonly explanations: readonly Explanation[];
  readonly space: string;
}
interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly number[];
  readonly parameters?: { readonly binary_data_size: number };
}

const send = (server: Server, path: string, body: unknown, headers = {}): Promise<Response> =>
  withDeadline(
    `the answer to ${path}`,
    fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }),
    30_000,
  );
const instancesOf = ({ data }: Golden, rows = ROWS): object => ({ instances: data.slice(0, rows) });
/** Tensors of a model's rows. */
const tensorsOf = ({ columns, data }: Golden, rows = ROWS): object[] =>
  columns.map((name, at) => ({
    name,
    datatype: typeof data[0]?.[at] === 'string' ? 'BYTES' : 'FP64',
    shape: [rows],
    data: Array.from({ length: rows }, (_, row) => data[row % data.length]?.[at]),
  }));

describe('explanations in the forms of other servers', () => {
  let server: Server;
  let native: Native;
  beforeAll(async () => {
    server = await startServer({
      args: ['--no-proxy'],
      env: { MAX_EXPLAIN_ROWS: '40', DEADLINE_MS: '6000', AIP_EXPLAIN_ROUTE: VERTEX },
    });
    const { columns, data } = ADULT;
    const answer = await send(server, '/explain', { columns, data: data.slice(0, ROWS) });
    native = (await answer.json()) as Native;
  }, 120_000);
  afterAll(() => server.clean());

  it('V1 has those of /explain, with its parameters', async () => {
    const answer = await send(server, '/v1/models/adult:explain', instancesOf(ADULT));
    expect(answer.headers.get('server-timing')).toMatch(/, explain;dur=\d/);
    expect(await answer.json()).toEqual(native);
    const { explanations } = (await (
      await send(server, '/v1/models/adult/versions/1:explain?top=2&class=all', instancesOf(ADULT))
    ).json()) as { explanations: Explanation[][] };
    expect(
      explanations.map((classes) => classes.map((one) => Object.keys(one.contributions).length)),
    ).toEqual(Array(ROWS).fill([2, 2]));
  });

  it("Vertex AI's route has attributions", async () => {
    const answer = (await (await send(server, VERTEX, instancesOf(ADULT))).json()) as Record<string, unknown>;
    expect(answer).toEqual({
      predictions: native.predictions,
      explanations: native.explanations.map(({ class: named, base, output, contributions }) => ({
        attributions: [
          {
            baselineOutputValue: base,
            instanceOutputValue: output,
            featureAttributions: contributions,
            outputIndex: [named === ' >50K' ? 1 : 0],
            outputDisplayName: named,
            outputName: 'probabilities',
          },
        ],
      })),
    });
    const both = (await (await send(server, `${VERTEX}?class=all`, instancesOf(ADULT, 1))).json()) as {
      explanations: { attributions: { outputIndex: number[] }[] }[];
    };
    expect(both.explanations[0]?.attributions.map(({ outputIndex }) => outputIndex)).toEqual([[0], [1]]);
  });

  it('V2 answers a tensor where it is asked for, and none where it is not', async () => {
    const inputs = tensorsOf(ADULT);
    const infer = async (members: object): Promise<Output[]> => {
      const answer = await send(server, '/v2/models/adult/infer', { inputs, ...members });
      const text = await answer.text();
      expect(answer.status, text).toBe(200);
      return (JSON.parse(text) as { outputs: Output[] }).outputs;
    };
    expect((await infer({})).map(({ name }) => name)).toEqual(['label', 'probabilities']);
    const [own, label] = await infer({ outputs: [{ name: 'contributions' }, { name: 'label' }] });
    const width = ADULT.columns.length + 1;
    expect(own).toMatchObject({ name: 'contributions', datatype: 'FP64', shape: [ROWS, width] });
    expect(own?.data).toEqual(
      native.explanations.flatMap(({ base, contributions }) => [...Object.values(contributions), base]),
    );
    expect(label?.name).toBe('label');
    // Of two classes one has what the other loses.
    const of = async (name: string): Promise<readonly number[]> =>
      (await infer({ outputs: [{ name: 'contributions', parameters: { class: name } }] }))[0]?.data ?? [];
    const [low, high] = [await of(' <=50K'), await of(' >50K')];
    low.forEach((value, at) =>
      expect(value + (high[at] as number)).toBeCloseTo(at % width === width - 1 ? 1 : 0, 12),
    );
  });

  it('V2 answers it as binary data', async () => {
    const outputs = [{ name: 'contributions', parameters: { binary_data: true } }];
    const answer = await send(server, '/v2/models/adult/infer', { inputs: tensorsOf(ADULT), outputs });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const length = Number(answer.headers.get('inference-header-content-length'));
    expect(answer.headers.get('server-timing')).toMatch(/, explain;dur=\d/);
    const [output] = (JSON.parse(bytes.subarray(0, length).toString()) as { outputs: Output[] }).outputs;
    const width = ADULT.columns.length + 1;
    expect(output?.parameters).toEqual({ binary_data_size: ROWS * width * 8 });
    expect(bytes.readDoubleLE(length + (width - 1) * 8)).toBe(native.explanations[0]?.base);
  });

  const textRows = golden('text/1');
  const many = { instances: Array.from({ length: 41 }, () => ADULT.data[0]) };
  const contributions = [{ name: 'contributions' }];
  it.each<[string, unknown, number, RegExp]>([
    ['/v1/models/text:explain', instancesOf(textRows, 1), 409, /can't be explained: /],
    ['/v1/models/adult:explain', many, 413, /At most 40 rows/],
    ['/v1/models/adult:explain?class=x', instancesOf(ADULT), 400, /parameter class/],
    ['/v1/models/adult:explain?extra=ignore', instancesOf(ADULT), 400, /parameters here are class, top/],
    ['/v1/models/adult:explain', { instances: [{ age: 'x' }] }, 400, /./],
    ['/v1/models/adult:explain', { instances: [], parameters: { top: 1 } }, 400, /"parameters"/],
    ['/v1/models/nothing:explain', instancesOf(ADULT), 404, /./],
    [`${VERTEX}?top=1`, instancesOf(ADULT), 400, /parameters here are class/],
    [VERTEX, many, 413, /At most 40 rows/],
    [VERTEX, { rows: [] }, 400, /instances/],
    ['/v2/models/text/infer', { inputs: tensorsOf(textRows, 1), outputs: contributions }, 409, /can't be/],
    ['/v2/models/adult/infer', { inputs: tensorsOf(ADULT, 41), outputs: contributions }, 413, /At most 40/],
    [
      '/v2/models/adult/infer',
      { inputs: tensorsOf(ADULT), outputs: [{ ...contributions[0], parameters: { class: 'x' } }] },
      400,
      /"class"/,
    ],
    [
      '/v2/models/adult/infer',
      { inputs: tensorsOf(ADULT), outputs: [{ ...contributions[0], parameters: { class: 1 } }] },
      400,
      /"class"/,
    ],
    [
      '/v2/models/adult/infer',
      { inputs: tensorsOf(ADULT), outputs: [...contributions, ...contributions] },
      400,
      /more than once/,
    ],
  ])('%s %# is refused in its own form', async (path, body, status, message) => {
    const answer = await send(server, path, body);
    const problem = (await answer.json()) as { readonly error: string };
    expect([answer.status, Object.keys(problem)]).toEqual([status, ['error']]);
    expect(problem.error).toMatch(message);
  });

  it('V1 knows the methods of the call', async () => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/v1/models/adult:explain`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

it('EXPLAIN=off leaves them out', async () => {
  const env = { EXPLAIN: 'off', AIP_EXPLAIN_ROUTE: VERTEX };
  await withServer({ args: ['--no-proxy'], env }, async (server) => {
    expect((await send(server, '/v1/models/adult:explain', instancesOf(ADULT))).status).not.toBe(200);
    expect((await send(server, VERTEX, instancesOf(ADULT))).status).toBe(404);
    const outputs = [{ name: 'contributions' }];
    const answer = await send(server, '/v2/models/adult/infer', { inputs: tensorsOf(ADULT), outputs });
    expect(answer.status).toBe(400);
  });
}, 120_000);
