import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createEncoder } from '../../encoding/encoder.ts';
import { createInferenceRecorder } from '../../metrics/inference.ts';
import type { Input } from '../../model/signature.ts';
import { appDeps } from '../../testing/appDeps.ts';
import { createFakeInference } from '../../testing/fakeInference.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { createApp } from '../app.ts';

const number = (name: string, nullable = false): Input => ({ name, onnx: name, type: 'number', nullable });
const text = (name: string, categories?: readonly string[]): Input => ({
  name,
  onnx: name,
  type: 'string',
  nullable: false,
  ...(categories && { categories }),
});
const integer = (name: string): Input => ({ name, onnx: name, type: 'integer', nullable: false });

/** A regression of these columns. */
function serve(inputs: readonly Input[]) {
  const registry = new Registry();
  const inference = createFakeInference();
  inference.behaviour = (_, { rows }) => ({
    answers: new Float64Array(rows),
    queueSeconds: 0,
    runSeconds: 0,
  });
  const model = {
    ...tinyModel('bare'),
    signature: { task: 'regression', inputs, outputs: { value: 'y' } } as const,
    encoder: createEncoder({ inputs }),
  };
  const recorder = createInferenceRecorder(registry, () => 0);
  const app = createApp(appDeps([model], { inference, recorder }));
  return {
    /** The number of answered rows, or the error. */
    invoke: async (body: string, type = 'text/csv', query = ''): Promise<number | string> => {
      const answer = await app.request(
        `/invocations${query}`,
        { method: 'POST', headers: { 'content-type': type }, body: Buffer.from(body) },
        {},
      );
      const { predictions, message } = (await answer.json()) as { predictions?: []; message?: string };
      return predictions?.length ?? message ?? '';
    },
    counted: async (): Promise<number> =>
      Number(/^csv_header_absent_total\{.*\} (\d+)$/m.exec(await registry.metrics())?.[1] ?? 0),
  };
}

const MIXED = [number('age'), text('job', ['clerk', 'farmer']), number('pay', true), integer('n')];

describe('a CSV without a header on /invocations', () => {
  it('is rows if the first line can be one, and is counted', async () => {
    const { invoke, counted } = serve(MIXED);
    let times = 0;
    for (const body of [
      '25,clerk,1.5,3\n38,farmer,2,4\n',
      '25,clerk,1.5,3\r\n38,farmer,2,4',
      '\n\n25,clerk,,3\n\n38,farmer,2,4\n',
      '"25","clerk","","3"\n38,farmer,2,4\n',
      // An unknown category is answered, as in any other row.
      '25,"a ""new"",\njob",1,3\n38,farmer,2,4\n',
    ]) {
      expect([body, await invoke(body)]).toEqual([body, 2]);
      expect(await counted()).toBe(++times);
    }
    expect(await invoke('25;clerk;1,5;3\n', 'text/csv', '?delimiter=%3B&decimal=,')).toBe(1);
    expect(await counted()).toBe(++times);
    // Not counted: with a header, or where the type says what it is.
    expect(await invoke('age,job,pay,n\n25,clerk,1.5,3\n')).toBe(1);
    expect(await invoke('n,age,job,pay,more\n3,25,clerk,1.5,\n')).toBe(1);
    expect(await invoke('25,clerk,1.5,3\n', 'text/csv; header=absent')).toBe(1);
    expect(await counted()).toBe(times);
  });

  it('is refused if the first line can be a header as well', async () => {
    const { invoke, counted } = serve(MIXED);
    for (const body of [
      // Names that don't fit their columns, of another width, in another letter case, of pandas; a damaged row.
      'alter,beruf,lohn,zahl\n25,clerk,1.5,3\n',
      '25,clerk,1.5\n25,clerk,1.5\n',
      '25,clerk,1.5,3,4\n25,clerk,1.5,3,4\n',
      'AGE,Job,Pay,N\n25,clerk,1.5,3\n',
      '25,job,1.5,3\n25,clerk,1.5,3\n',
      '25,JOB ,1.5,3\n25,clerk,1.5,3\n',
      'x,clerk,1.5,3\n25,clerk,1.5,3\n',
      ',clerk,1.5,3\n25,clerk,1.5,3\n',
      '25,clerk,1.5,3.5\n',
      '25;clerk;1.5;3\n25;clerk;1.5;3\n',
      '"25,clerk,1.5,3\n',
    ])
      expect([body, await invoke(body)]).toEqual([body, expect.stringMatching(/./)]);
    expect(await invoke('x,clerk,1.5,3\n')).toContain('send text/csv; header=absent');
    expect(await counted()).toBe(0);
  });

  it('is refused for names that pandas made, 0, 1, 2, …', async () => {
    const { invoke } = serve([number('a'), number('b'), number('c')]);
    expect(await invoke('0,1,2\n5,6,7\n')).toContain('header=absent');
    expect(await invoke('0,1,2\n5,6,7\n', 'text/csv; header=absent')).toBe(2);
    expect(await invoke('0,1,3\n5,6,7\n')).toBe(2);
    const one = serve([number('a')]);
    expect(await one.invoke('0\n1\n')).toBe(2);
    expect(await one.invoke('\n')).toMatch(/./);
  });

  it('of texts alone is rows if all are known categories', async () => {
    const known = serve([text('a', ['x', 'y']), text('b', ['u', 'v']), text('free')]);
    expect(await known.invoke('x,u,any\ny,v,any\n')).toBe(2);
    expect(await known.invoke('x,w,any\n')).toContain('header=absent');
    expect(await known.invoke('x,w,any\n', 'text/csv; header=absent')).toBe(1);
    const free = serve([text('a')]);
    expect(await free.invoke('some text\n')).toContain('header=absent');
    expect(await free.invoke('some text\n', 'text/csv; header=absent')).toBe(1);
    // A number column says nothing where its cell is empty.
    const empty = serve([text('a', ['x']), number('b', true)]);
    expect(await empty.invoke('w,\n')).toContain('header=absent');
    expect(await empty.invoke('x,\n')).toBe(1);
    expect(await empty.invoke('w,1\n')).toBe(1);
  });

  it('is refused where the type says that there is one', async () => {
    const { invoke } = serve(MIXED);
    expect(await invoke('25,clerk,1.5,3\n', 'text/csv; header=present')).toContain(
      'header line seems to be missing',
    );
  });
});
