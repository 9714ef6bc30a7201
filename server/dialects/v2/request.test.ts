import { expect } from 'vitest';
import { ADULT_COLUMNS, ADULT_ROW } from '../../testing/adult.ts';
import { withApp } from '../../testing/withApp.ts';

/** One row; `changes` by column. */
const inputsWith = (changes: Readonly<Record<string, object>> = {}): object[] =>
  ADULT_COLUMNS.map((name, at) => ({
    name,
    datatype: typeof ADULT_ROW[at] === 'string' ? 'BYTES' : 'INT64',
    shape: [1],
    data: [ADULT_ROW[at]],
    ...changes[name],
  }));

withApp('a body for another model or version is refused', async ({ request }) => {
  const post = (members: object) =>
    request('/v2/models/adult/infer', {
      method: 'POST',
      body: Buffer.from(JSON.stringify({ inputs: inputsWith(), ...members })),
    });
  for (const members of [
    {},
    { model_name: 'adult', model_version: '1' },
    { model_name: '', model_version: '' },
    { model_name: null, model_version: null },
  ])
    expect((await post(members)).status, JSON.stringify(members)).toBe(200);
  for (const members of [
    { model_name: 'iris' },
    { model_name: 1 },
    { model_version: '2' },
    { model_version: 1 },
  ]) {
    const answer = await post(members);
    expect([answer.status, answer.text], JSON.stringify(members)).toMatchObject([
      400,
      expect.stringContaining(`"${Object.keys(members)[0]}\\"`) as string,
    ]);
    expect(answer.text).not.toContain('iris');
  }
});

withApp('a value that FP32 cannot hold is refused', async ({ request, inference }) => {
  const post = (value: unknown) =>
    request('/v2/models/adult/infer', {
      method: 'POST',
      body: Buffer.from(
        JSON.stringify({ inputs: inputsWith({ fnlwgt: { datatype: 'FP32', data: [value] } }) }),
      ),
    });
  expect((await post(2 ** 24)).status).toBe(200);
  expect(inference.calls[0]?.rows.cells[2]).toBe(2 ** 24);
  for (const [value, message] of [
    [2 ** 24 + 1, 'expected a value that FP32 holds, found a longer integer'],
    [1e39, 'expected a value within FP32, found one outside'],
    [-3.5e38, 'expected a value within FP32, found one outside'],
    [0.1, 'expected an integer, found a fraction'],
  ] as const) {
    const answer = await post(value);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(`row 0, column \\"fnlwgt\\": ${message}`);
  }
});
