import { describe, expect, it } from 'vitest';
import type { Table } from '../../model/rows.ts';
import { createEncoder } from '../../encoding/encoder.ts';
import type { Model } from '../../model/model.ts';
import type { Input } from '../../model/signature.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { canonicalText, sha256Of } from './canonical.ts';
import type { PredictionRecord } from './record.ts';
import type { InputForm } from '../../settings/logTarget.ts';
import { createRecordWriter } from './writeRecords.ts';

const inputs: Input[] = [
  { name: 'size', onnx: 'size', type: 'number', nullable: true },
  { name: 'city "€"', onnx: 'city', type: 'string', nullable: false, categories: ['Paris'] },
  { name: '10', onnx: 'ten', type: 'integer', nullable: false },
  { name: '9', onnx: 'nine', type: 'boolean', nullable: false },
];
const tiny = tinyModel('shop');
const classifier: Model = {
  ...tiny,
  signature: { task: 'classification', inputs, outputs: {}, sha256: 'ab'.repeat(32) },
  encoder: createEncoder({ inputs }),
  output: { task: 'classification', label: 'l', probabilities: 'p', classes: [' no', 1] },
};
const NAMES = inputs.map(({ name }) => name);

/** The records of a table whose rows all were answered with these numbers. */
function write(table: Table, answer: readonly number[], model = classifier, form: InputForm = 'full') {
  const rows = model.encoder.encode(
    table.columns,
    table.data,
    { ignoreExtra: true, skipBadRows: true },
    table,
  );
  const answers = Float64Array.from(Array.from({ length: rows.rows }, () => answer).flat());
  const records = createRecordWriter(form)({ id: 'a-1', model, table, rows, answers }, 1_700_000_000_123);
  return Array.from({ length: records.rows }, () => records.next());
}
const parse = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as PredictionRecord);

describe('a record', () => {
  it('holds the request, the time, the model, the input, and the answer in full precision', () => {
    const table = { columns: NAMES, data: [[0.1 + 0.2, 'Paris', 7, true]] };
    expect(parse(write(table, [1, 0.1, 1 - 0.1]))).toEqual([
      {
        requestId: 'a-1',
        row: 0,
        time: '2023-11-14T22:13:20.123Z',
        model: 'shop/1',
        sha256: 'ab'.repeat(32),
        input: { size: 0.30000000000000004, 'city "€"': 'Paris', '10': 7, '9': true },
        inputSha256: sha256Of('{"10":7,"9":true,"city \\"€\\"":"Paris","size":0.30000000000000004}'),
        output: { label: 1, probabilities: { ' no': 0.1, '1': 0.9 } },
      },
    ]);
  });

  it('has the same input and digest in whatever form and order the row was sent', () => {
    const cells = { '9': false, size: null, 'city "€"': '\u2028\ud800"é', '10': -0 };
    const lines = [
      ...write({ columns: NAMES, data: [[null, '\u2028\ud800"é', -0, false]] }, [0, 1, 0]),
      ...write({ columns: [...NAMES].reverse(), data: [[false, 0, '\u2028\ud800"é', null]] }, [0, 1, 0]),
      ...write({ columns: ['x', ...NAMES], data: [{ x: [1], ...cells }], byName: true }, [0, 1, 0]),
    ];
    expect(new Set(lines).size).toBe(1);
    const [record] = parse(lines);
    const text = '{"10":0,"9":false,"city \\"€\\"":"\u2028\\ud800\\"é","size":null}';
    expect(lines[0]).toContain(`"input":${text},`);
    expect(canonicalText(record?.input ?? {})).toBe(text);
    expect(record?.inputSha256).toBe(sha256Of(text));
  });

  it('numbers rows as in the request: refused ones count, and earlier pieces of a file', () => {
    const good = [1, 'Paris', 1, true];
    const bad = ['x', 'Paris', 1, true];
    const data = [bad, good, bad, bad, [2, 'Paris', 1, true], bad];
    const records = parse(write({ columns: NAMES, data, before: 1000 }, [0, 1, 0]));
    expect(records.map(({ row, input }) => [row, input?.['size']])).toEqual([
      [1001, 1],
      [1004, 2],
    ]);
  });

  it.each([
    ['hash', ['inputSha256']],
    ['none', []],
  ] as const)('with PREDICTION_LOG_INPUT=%s holds of the input %j', (form, members) => {
    const [line = ''] = write({ columns: NAMES, data: [[1, 'Paris', 1, true]] }, [0, 1, 0], classifier, form);
    const record = JSON.parse(line) as object;
    expect(Object.keys(record).filter((name) => name.startsWith('input'))).toEqual(members);
    expect(line).not.toContain('Paris');
  });

  it('holds the value of a regression, null where JSON has no such number', () => {
    const table = { columns: ['x'], data: [[1]] };
    const value = (answer: number) => parse(write(table, [answer], tiny))[0]?.output;
    expect(value(1 / 3)).toEqual({ value: 1 / 3 });
    expect(value(NaN)).toEqual({ value: null });
  });
});
