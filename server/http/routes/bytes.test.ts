import { Registry } from 'prom-client';
import { beforeAll, expect, it } from 'vitest';
import { createInferenceRecorder } from '../../metrics/inference.ts';
import { withChosenPath } from '../../inference/openTask.ts';
import type { Model } from '../../model/model.ts';
import { createTally } from '../../observers/drift/tally.ts';
import { createRecordWriter } from '../../observers/predictionLog/writeRecords.ts';
import type { Answered } from '../../prediction/onAnswered.ts';
import { ADULT_COLUMNS, adultRow, loadAdult } from '../../testing/adult.ts';
import { readAdultRows } from '../../testing/adultRows.ts';
import { appDeps } from '../../testing/appDeps.ts';
import { createFakeInference } from '../../testing/fakeInference.ts';
import { fastPathOf } from '../../testing/fastPathOf.ts';
import { createApp } from '../app.ts';

// Every body is sent to two apps: one whose encoder reads bytes, and one whose encoder can't.

let lifted: Model;
beforeAll(async () => {
  lifted = withChosenPath(await fastPathOf(await loadAdult()), {});
});

/** Requests that were read from their bytes. */
let taken = 0;

const counting = (model: Model): Model => ({
  ...model,
  encoder: {
    ...model.encoder,
    readBytes: (...of) => {
      const read = model.encoder.readBytes?.(...of);
      if (read) taken++;
      return read;
    },
  },
});

function withoutBytes(model: Model): Model {
  const { width, cellBytes, textsTravel, encode } = model.encoder;
  return { ...model, encoder: { width, cellBytes, textsTravel, encode } };
}

/** Answers that depend on every cell of a row. */
function scoreCells({ encoder }: Model, { rows, cells }: Answered['rows']) {
  const answers = new Float64Array(rows * 3);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let at = 0; at < encoder.width; at++) sum += (at + 1) * (cells[row * encoder.width + at] as number);
    const probability = Math.abs(sum % 1000) / 1000;
    answers.set([probability > 0.5 ? 1 : 0, 1 - probability, probability], row * 3);
  }
  return { answers, queueSeconds: 0, runSeconds: 0 };
}

function createSide(model: Model) {
  const registry = new Registry();
  const inference = createFakeInference();
  inference.behaviour = scoreCells;
  const seen: Answered[] = [];
  const app = createApp(
    appDeps([model], {
      registry,
      inference,
      recorder: createInferenceRecorder(registry, () => 0),
      onAnswered: [(answered) => void seen.push(answered)],
    }),
  );
  return {
    send: async (path: string, type: string, body: string | Buffer) => {
      const answer = await app.request(
        path,
        {
          method: 'POST',
          headers: { 'content-type': type, 'x-request-id': 'one' },
          body: body as string,
        },
        {},
      );
      const headers = [...answer.headers].filter(([name]) => name !== 'server-timing');
      return { status: answer.status, headers, text: await answer.text() };
    },
    /** All but times: how many bodies, rows, refusals and unknown categories there were. */
    metrics: async () =>
      (await registry.metrics())
        .split('\n')
        .filter((line) => !/seconds(_total)?(_bucket|_sum|\{)|^#/.test(line)),
    observed: () => {
      const tally = createTally(model, { first: () => 0, next: () => 1e9, weight: 1, tick: () => undefined });
      const write = createRecordWriter('full');
      const records: string[] = [];
      for (const answered of seen) {
        tally.take(answered.table, answered.rows, answered.answers);
        const { rows, next } = write(answered, 0);
        for (let row = 0; row < rows; row++) records.push(next());
      }
      return { counts: [...tally.counts], records };
    },
  };
}

const record = (row: readonly unknown[]): unknown =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, row[at]]));

const ROWS = [
  ...readAdultRows()
    .slice(0, 40)
    .map(({ cells }) => cells as readonly unknown[]),
  adultRow({ workclass: 'Private' }),
  adultRow({ workclass: 'neu: ä', 'native-country': ' Nowhere' }),
  adultRow({ age: -0, fnlwgt: 1e15 }),
];
const BAD = [
  adultRow({ age: 'old' }),
  adultRow({ age: null }),
  adultRow({ age: 1.5 }),
  adultRow({ age: undefined }),
  adultRow().slice(1),
  7,
];

/** Bodies of each dialect, right and wrong ones. */
function* bodies(): Generator<readonly [path: string, body: string]> {
  const tables = [ROWS, ...ROWS.map((row) => [row]), ...BAD.map((row) => [ROWS[0], row]), []];
  for (const data of tables) {
    const split = { columns: ADULT_COLUMNS, data };
    const lists = data.filter(Array.isArray) as unknown[][];
    const records = lists.map(record);
    for (const [path, body] of [
      ['/predict', split],
      ['/predict?probabilities=true&on_error=null', split],
      ['/predict?extra=ignore', { ...split, index: data.map((_, at) => at) }],
      ['/predict', records],
      ['/predict?on_error=null', records],
      ['/predict', records[0]],
      ['/v1/models/adult:predict', { instances: records }],
      ['/v1/models/adult:predict', { instances: data }],
      ['/invocations', { dataframe_split: split }],
      ['/invocations', { dataframe_records: records }],
      ['/invocations', { instances: data, params: {} }],
      ['/invocations', split],
    ] as const)
      if (body !== undefined) yield [path, JSON.stringify(body)];
  }
  const [row] = ROWS.map((cells) => JSON.stringify({ columns: ADULT_COLUMNS, data: [cells] }));
  for (const text of [
    `\ufeff${row}`,
    `${row},`,
    row?.replace('"', '\\u0022'),
    `${row}\0`,
    '',
    '"text"',
    '[]',
  ])
    yield ['/predict', text ?? ''];
}

it('gives the same answers, headers, metrics and observations as the long way, also for what is refused', async () => {
  const [fast, slow] = [createSide(counting(lifted)), createSide(withoutBytes(lifted))];
  let all = 0;
  for (const [path, body] of bodies()) {
    all++;
    const [one, other] = [
      await fast.send(path, 'application/json', body),
      await slow.send(path, 'application/json', body),
    ];
    expect(one, `${path} ${body.slice(0, 300)}`).toEqual(other);
  }
  expect(taken / all).toBeGreaterThan(1 / 2);
  const cut = Buffer.from(
    JSON.stringify({ columns: ADULT_COLUMNS, data: [adultRow({ sex: 'ä' })] }),
    'latin1',
  );
  for (const path of ['/predict', '/v1/models/adult:predict', '/invocations']) {
    const one = await fast.send(path, 'application/json', cut);
    expect(one).toEqual(await slow.send(path, 'application/json', cut));
    expect(one.status).toBe(400);
  }
  expect(await fast.metrics()).toEqual(await slow.metrics());
  expect(fast.observed()).toEqual(slow.observed());
});
