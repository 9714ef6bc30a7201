import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Input } from '../../model/signature.ts';
import { ADULT_COLUMNS, bodyOf, readAdultRows } from '../../testing/adultRows.ts';
import { loadAdult } from '../../testing/adult.ts';
import { readBothWays } from '../../testing/bothWays.ts';
import { fastPathOf } from '../../testing/fastPathOf.ts';
import type { JsonForm } from '../../model/rows.ts';
import { createFeatureEncoder } from '../encoder.ts';
import { takeKernel } from './kernel.ts';
import { CELLS, FEATURES, INPUTS, LONG, SIGNATURE, writerOf } from './testing/everyColumn.ts';

const encoder = createFeatureEncoder(SIGNATURE, INPUTS.map(writerOf), FEATURES);
const NAMES = INPUTS.map(({ name }) => name);

const space = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom('', ' ', '\n', '\t', '\r\n  ') },
  fc.constantFrom('\f', '\u00a0', '\0'),
);

/** Mostly right cells, so that many bodies are taken. */
const cellOf = ({ type, name }: Input): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(...(name === 'closed' ? ['"x"'] : CELLS[type].slice(0, 3))) },
    { weight: 1, arbitrary: fc.constantFrom(...CELLS[type]) },
    {
      weight: 20,
      arbitrary:
        type === 'string'
          ? fc.constantFrom('red', 'x', '').map((text) => JSON.stringify(name === 'closed' ? 'x' : text))
          : type === 'boolean'
            ? fc.constantFrom('true', 'false')
            : type === 'integer'
              ? fc.integer({ min: -1e7, max: 1e7 }).map(String)
              : fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    },
  );

const tokens = (parts: readonly string[], spaces: readonly string[]): string =>
  parts.map((part, at) => part + (spaces[at % spaces.length] as string)).join('');

const row = fc.tuple(...INPUTS.map(cellOf));
const joined = (parts: readonly string[], mark = ','): string[] =>
  parts.flatMap((part, at) => (at === 0 ? [part] : [mark, part]));
const quoted = (name: string): string => JSON.stringify(name);

type Made = readonly [form: JsonForm, parts: readonly string[]];
const splitBody = fc
  .tuple(
    fc.array(row, { minLength: 1, maxLength: 4 }),
    fc.oneof(
      { weight: 9, arbitrary: fc.shuffledSubarray(NAMES, { minLength: NAMES.length }) },
      fc.shuffledSubarray(NAMES, { minLength: 7 }),
    ),
    fc.constantFrom('', '', '', '', 'index', 'index', 'late index', 'wrong index', 'other'),
  )
  .map(([rows, names, extra]): Made => {
    const lists = rows.map((cells) => [
      '[',
      ...joined(names.map((name) => cells[NAMES.indexOf(name)] as string)),
      ']',
    ]);
    const data = [
      '"data"',
      ':',
      '[',
      ...lists.flatMap((list, at) => (at === 0 ? list : [',', ...list])),
      ']',
    ];
    const count = rows.length + (extra === 'wrong index' ? 1 : 0);
    const more = [
      extra === 'other' ? '"other"' : '"index"',
      ':',
      '[',
      ...joined(Array.from({ length: count }, (_, at) => String(at))),
      ']',
    ];
    const columns = ['{', '"columns"', ':', '[', ...joined(names.map(quoted)), ']', ','];
    const rest =
      extra === '' ? data : extra === 'late index' ? [...data, ',', ...more] : [...more, ',', ...data];
    return ['native', [...columns, ...rest, '}']];
  });
const recordOf = (cells: readonly string[], names: readonly string[]): string[] => [
  '{',
  ...names.flatMap((name, at) => [
    ...(at === 0 ? [] : [',']),
    quoted(name),
    ':',
    cells[NAMES.indexOf(name)] as string,
  ]),
  '}',
];
const order = fc.oneof(
  { weight: 5, arbitrary: fc.constant(NAMES) },
  { weight: 4, arbitrary: fc.shuffledSubarray(NAMES, { minLength: NAMES.length }) },
  fc.constantFrom([...NAMES, 'whole'], NAMES.with(1, 'whole'), NAMES.slice(1), ['whole', ...NAMES]),
);
const records = fc.array(
  fc.tuple(row, order).map(([cells, names]) => recordOf(cells, names)),
  { minLength: 1, maxLength: 4 },
);
const listed = (rows: readonly string[][]): string[] => [
  '[',
  ...rows.flatMap((part, at) => (at === 0 ? part : [',', ...part])),
  ']',
];
const instances = (rows: readonly string[][]): Made => [
  'instances',
  ['{', '"instances"', ':', ...listed(rows), '}'],
];
const wrapped = (key: string, parts: readonly string[]): Made => [
  'mlflow',
  ['{', `"${key}"`, ':', ...parts, '}'],
];
const made = fc.oneof(
  splitBody,
  splitBody.map(([, parts]): Made => ['mlflow', parts]),
  splitBody.map(([, parts]) => wrapped('dataframe_split', parts)),
  records.map((rows) => wrapped('dataframe_records', listed(rows))),
  records.map((rows) => wrapped('instances', listed(rows))),
  records.map((rows): Made => ['native', rows.length === 1 ? (rows[0] as string[]) : listed(rows)]),
  records.map(instances),
  fc
    .array(row, { minLength: 1, maxLength: 4 })
    .map((rows) => instances(rows.map((cells) => ['[', ...joined(cells), ']']))),
);
const body = fc
  .tuple(
    made,
    fc.oneof({ weight: 3, arbitrary: fc.constant(['']) }, fc.array(space, { minLength: 1, maxLength: 9 })),
  )
  .map(([[form, parts], spaces]) => [form, Buffer.from(tokens(parts, spaces))] as const);

/** Reads a body both ways. A body that is refused must not have been taken. */
function isTaken(form: JsonForm, bytes: Buffer): boolean {
  // What the memory held before must not matter, neither zeros nor what a body may go on with.
  const kernel = takeKernel();
  if (kernel.orderAt > 0) kernel.words.fill(bytes.length % 2 === 0 ? 0x22222222 : 0x39393939, kernel.orderAt);
  return readBothWays(encoder, SIGNATURE, bytes, form) !== undefined;
}

/** A right row of INPUTS with one cell replaced. */
const rowWith = (column: number, cell: string): string =>
  `[${['1', '2', '0.5', '0.25', 'true', '"red"', '"x"', '"y"'].with(column, cell).join()}]`;
const splitWith = (rows: string): Buffer =>
  Buffer.from(`{"columns":${JSON.stringify(NAMES)},"data":[${rows}]}`);

describe('a body read from its bytes', () => {
  it('gives what the long way gives, and many are taken', () => {
    const counts = { taken: 0, all: 0 };
    fc.assert(
      fc.property(body, ([form, bytes]) => {
        counts.all++;
        if (isTaken(form, bytes)) counts.taken++;
      }),
      { numRuns: 4000 },
    );
    expect(counts.taken / counts.all).toBeGreaterThan(1 / 3);
  });

  it('gives the same after any change of some bytes', () => {
    const change = fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...'[]{}",:\\ 019-.eEntf\0\x1f\x80\xff'));
    fc.assert(
      fc.property(body, fc.array(change, { minLength: 1, maxLength: 3 }), ([form, bytes], changes) => {
        let text = bytes.toString('latin1');
        for (const [where, length, by] of changes) {
          const at = where % (text.length + 1);
          text = text.slice(0, at) + by + text.slice(at + length);
        }
        isTaken(form, Buffer.from(text, 'latin1'));
      }),
      { numRuns: 4000 },
    );
  });

  it('gives the same for every cell in every column', () => {
    const taken = new Set<string>();
    for (const [column, name] of NAMES.entries())
      for (const cells of Object.values(CELLS))
        for (const cell of cells)
          if (isTaken('native', splitWith(rowWith(column, cell)))) taken.add(`${name}: ${cell}`);
    for (const right of ['whole: -0', 'whole: 3.9e1', 'number: 1e-7', 'number: null', 'flag: null'])
      expect(taken).toContain(right);
    expect(taken).toContain(`${LONG}: "é€😀"`);
    expect(taken).toContain('closed: "\u0085"');
    for (const wrong of ['whole: 39.5', 'whole: 01', 'number: 4e38', 'free: "\\""', 'closed: "free text"'])
      expect(taken).not.toContain(wrong);
    expect(taken).not.toContain(`${LONG}: "\ue000missing"`);
  });

  it('is not taken when it is cut anywhere, or goes on', () => {
    const whole = splitWith(`${rowWith(0, '12')},${rowWith(2, '1e-7')}`);
    expect(isTaken('native', whole)).toBe(true);
    for (let end = 0; end < whole.length; end++)
      expect(encoder.readBytes?.(whole.subarray(0, end), 'native')).toBeUndefined();
    for (const more of [',', '}', '0', '\0', '\ufeff', '{}'])
      expect(encoder.readBytes?.(Buffer.from(`${whole.toString()}${more}`), 'native')).toBeUndefined();
    expect(isTaken('native', Buffer.from(`\r\n ${whole.toString()}\t`))).toBe(true);
    expect(encoder.readBytes?.(Buffer.from(`\ufeff${whole.toString()}`), 'native')).toBeUndefined();
  });

  it('takes numbers at every rounding edge as Number does', () => {
    const digits = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 19n }), fc.integer({ min: -400, max: 400 }));
    const halfway = fc
      .tuple(
        fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }),
        fc.integer({ min: 0, max: 12 }),
        fc.constantFrom(-1n, 0n, 1n),
      )
      .map(([mantissa, shift, off]) => String(((2n * mantissa + 1n) << BigInt(shift)) + off));
    const any = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
      fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
      digits.map(([m, e]) => `${m}e${e}`),
      digits.map(([m]) => `0.${m}`),
      digits.map(
        ([m], at = String(m).length >> 1) => `${String(m).slice(0, at) || '0'}.${String(m).slice(at)}`,
      ),
      halfway,
      fc
        .tuple(
          fc.integer({ min: 90_100_000, max: 99_999_999 }),
          fc.integer({ min: 10_000_000, max: 99_999_999 }),
        )
        .map(([whole, rest]) => `${whole}.${rest}`),
    );
    const counts = { taken: 0, all: 0 };
    fc.assert(
      fc.property(any, (text) => {
        counts.all++;
        // `parts` has the number in full, `number` has it rounded.
        if (isTaken('native', splitWith(rowWith(3, text)))) counts.taken++;
        isTaken('native', splitWith(rowWith(2, text)));
      }),
      { numRuns: 6000 },
    );
    expect(counts.taken / counts.all).toBeGreaterThan(1 / 3);
  });

  it('takes half a million numbers of 15 to 19 digits as Number does', () => {
    const input = INPUTS[3] as Input;
    const one = createFeatureEncoder({ inputs: [input] }, [writerOf(input, 3)], FEATURES);
    const signature = { ...SIGNATURE, inputs: [input] };
    let state = 9n;
    const next = (): bigint =>
      (state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n));
    for (let body = 0; body < 100; body++) {
      const rows = Array.from({ length: 5000 }, (_, at) => {
        const digits = next() / 10n ** BigInt(1 + (at % 5));
        return `[${digits}e${Number(next() % 82n) - 63}]`;
      });
      const bytes = Buffer.from(`{"columns":["parts"],"data":[${rows.join()}]}`);
      expect(readBothWays(one, signature, bytes, 'native')).toBeDefined();
    }
  });

  it('warns of the same unknown categories, however many', () => {
    for (const count of [1, 300, 5000]) {
      const bytes = splitWith(Array.from({ length: count }, (_, at) => rowWith(5, `"new ${at}"`)).join());
      expect(isTaken('native', bytes)).toBe(count < 2048);
    }
  });

  it('is read again by row', () => {
    const read = readBothWays(
      encoder,
      SIGNATURE,
      splitWith(`${rowWith(7, '"]}"')} , ${rowWith(7, '"[,"')}\n`),
      'native',
    );
    expect([read?.table.rowAt?.(0), read?.table.rowAt?.(1)]).toMatchObject([{ 7: ']}' }, { 7: '[,' }]);
  });
});

describe('a signature', () => {
  it('whose names a body could take for its own keys, or for other names, goes the long way', () => {
    for (const name of ['columns', 'a"b', 'a\\b', 'a\nb', '\ud800']) {
      const input: Input = { name, onnx: 'a', type: 'number', nullable: false };
      const one = createFeatureEncoder({ inputs: [input] }, [writerOf(input, 0)], 3);
      expect(one.readBytes?.(Buffer.from(`[{${JSON.stringify(name)}:1}]`), 'native')).toBeUndefined();
    }
    const input: Input = { name: 'data', onnx: 'a', type: 'number', nullable: false };
    const one = createFeatureEncoder({ inputs: [input] }, [writerOf(input, 0)], 3);
    const signature = { ...SIGNATURE, inputs: [input] };
    for (const text of ['[{"data":1}]', '{"data":1}', '{"columns":["data"],"data":[[1]]}'])
      expect(readBothWays(one, signature, Buffer.from(text), 'native')?.encoded.rows).toBe(1);
  });

  it('may have tens of thousands of categories', () => {
    const categories = Array.from({ length: 30_000 }, (_, at) => `category ${at * 7919}`);
    const input: Input = { name: 'c', onnx: 'c', type: 'string', nullable: false, categories };
    const one = createFeatureEncoder({ inputs: [input] }, [writerOf(input, 0)], 3);
    const signature = { ...SIGNATURE, inputs: [input] };
    const bytes = Buffer.from(
      JSON.stringify({ columns: ['c'], data: [...categories, 'category'].map((text) => [text]) }),
    );
    expect(readBothWays(one, signature, bytes, 'native')?.encoded.warningsTotal).toBe(1);
  });
});

describe('many models', () => {
  it('take turns in one memory, which has no room for all of their plans', () => {
    const models = Array.from({ length: 8 }, (_, model) => {
      const categories = Array.from({ length: 30_000 }, (_, at) => `${model} ${at}`);
      const input: Input = { name: 'c', onnx: 'c', type: 'string', nullable: false, categories };
      const signature = { ...SIGNATURE, inputs: [input] };
      return { signature, one: createFeatureEncoder({ inputs: [input] }, [writerOf(input, 0)], 3) };
    });
    for (let round = 0; round < 2; round++)
      for (const [model, { signature, one }] of models.entries()) {
        const bytes = Buffer.from(
          JSON.stringify({ columns: ['c'], data: [[`${model} 29999`], [`${model + 1} 0`]] }),
        );
        expect(readBothWays(one, signature, bytes, 'native')?.encoded.warningsTotal).toBe(1);
        expect(isTaken('native', splitWith(rowWith(0, '3')))).toBe(true);
      }
  });
});

describe('the rows of Adult', async () => {
  const { fast, signature } = await fastPathOf(await loadAdult());
  const adult = fast?.encoder ?? encoder;
  const rows = readAdultRows();

  it('are all taken, in each form', () => {
    const recordsOf = (some: typeof rows): unknown[] =>
      some.map(({ cells }) => Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, cells[at]])));
    for (let from = 0; from < rows.length; from += 1000) {
      const some = rows.slice(from, from + 1000);
      for (const [form, text] of [
        ['native', bodyOf(some)],
        ['native', JSON.stringify(recordsOf(some))],
        ['native', JSON.stringify(recordsOf(some)[0])],
        ['instances', JSON.stringify({ instances: recordsOf(some) }, undefined, 1)],
        ['instances', JSON.stringify({ instances: some.map(({ cells }) => cells) })],
        ['mlflow', `{"dataframe_split": ${bodyOf(some)}}`],
        ['mlflow', JSON.stringify({ dataframe_records: recordsOf(some) })],
        ['mlflow', bodyOf(some)],
      ] as const)
        expect(readBothWays(adult, signature, Buffer.from(text), form)).toBeDefined();
    }
  });

  it('may be more than the memory keeps, and others may follow', () => {
    const many = Array.from({ length: 6 }, () => rows).flat();
    const large = Buffer.from(bodyOf(many));
    for (let time = 0; time < 3; time++) {
      const read = adult.readBytes?.(large, 'native');
      expect(read?.encoded.rows).toBe(many.length);
      expect(read?.table.rowAt?.(many.length - 1)).toEqual(many.at(-1)?.cells);
      expect(readBothWays(adult, signature, Buffer.from(bodyOf(rows.slice(0, 3))), 'native')).toBeDefined();
    }
  });
});
