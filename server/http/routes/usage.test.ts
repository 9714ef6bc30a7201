import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { AnswerForm } from '../../model/routeOwner.ts';
import type { Input } from '../../model/signature.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { withApp } from '../../testing/withApp.ts';
import type { CallDescription } from './usage.ts';
import { describeCall } from './usage.ts';

withApp(
  'GET /predict describes the call, with an example that works',
  async ({ request, predict, model }) => {
    const answer = await request('/predict');
    expect(answer.status).toBe(200);
    const usage = JSON.parse(answer.text) as CallDescription;
    expect(usage).toMatchObject({ model: 'adult/1', method: 'POST', path: '/predict' });
    expect(usage.example.columns).toEqual(model.signature.inputs.map(({ name }) => name));
    const prediction = await predict(usage.example);
    expect(prediction.status).toBe(200);
    expect(prediction.text).not.toContain('warnings');
  },
);

withApp('GET /predict names every parameter of POST /predict', async ({ request, predict }) => {
  const { parameters, example } = JSON.parse((await request('/predict')).text) as CallDescription;
  expect(Object.keys(parameters)).toHaveLength(6);
  const [row = []] = example.data;
  const CSV_ONLY: Record<string, string> = {
    'header=false': row.join(),
    'delimiter=;': `${example.columns.join(';')}\n${row.join(';')}`,
    'decimal=,': `${example.columns.join()}\n${row.join()}`,
  };
  for (const parameter of Object.keys(parameters)) {
    const answer =
      parameter in CSV_ONLY
        ? await predict(CSV_ONLY[parameter], `?${parameter}`, { 'content-type': 'text/csv' })
        : await predict(example, `?${parameter}`);
    expect([parameter, answer.status]).toEqual([parameter, 200]);
  }
});

describe('the example of a signature', () => {
  const input = (rest: Partial<Input>): Input => ({
    name: "it's",
    onnx: 'x',
    type: 'number',
    nullable: false,
    ...rest,
  });
  const inputs = [
    input({ type: 'string', categories: ["'a' $b"] }),
    input({ type: 'string' }),
    input({ type: 'boolean' }),
    input({ type: 'integer', range: [1, 4] }),
    input({ type: 'integer' }),
    input({ range: [0, 0.5] }),
    input({ range: [0, 0.5], example: 0.125 }),
  ];
  const tiny = tinyModel();
  const usage = describeCall(
    { ...tiny, signature: { ...tiny.signature, inputs } },
    8080,
    '/predict',
    'native',
  );

  it('has a cell for each column', () => {
    expect(usage.example.data).toEqual([["'a' $b", '', false, 3, 0, 0.25, 0.125]]);
  });

  it('names the parameters of the form', () => {
    const outputs = {
      classification: { task: 'classification', label: 'l', probabilities: 'p', classes: ['a'] },
      regression: tiny.output,
    } as const;
    const names = (task: 'classification' | 'regression', form: AnswerForm): string[] =>
      Object.keys(describeCall({ ...tiny, output: outputs[task] }, 1, '/', form).parameters);
    expect(names('classification', 'native')).toHaveLength(6);
    expect(names('regression', 'native')).not.toContain('probabilities=true');
    expect(names('classification', 'custom')).toEqual([
      'extra=ignore',
      'header=false',
      'delimiter=;',
      'decimal=,',
    ]);
  });

  it('is quoted for a shell, whatever its texts hold', () => {
    const words = usage.curl.replace(/^curl /, 'printf "%s\\n" ');
    const lines = execFileSync('sh', ['-c', words], { encoding: 'utf8' }).split('\n');
    expect(lines).toContain('localhost:8080/predict');
    expect(JSON.parse(lines[lines.indexOf('-d') + 1] ?? '')).toEqual(usage.example);
  });
});
