import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeKernel } from '../encoding/bytes/kernel.ts';
import { FEATURES, INPUTS, LONG, SIGNATURE, writerOf } from '../encoding/bytes/testing/everyColumn.ts';
import { createFeatureEncoder } from '../encoding/encoder.ts';
import type { Encoder } from '../model/rows.ts';
import type { Input, Signature } from '../model/signature.ts';
import { loadAdult } from '../testing/adult.ts';
import { ADULT_COLUMNS, readAdultRows } from '../testing/adultRows.ts';
import { readCsvBothWays, readPiecesBothWays } from '../testing/csvBothWays.ts';
import { fastPathOf } from '../testing/fastPathOf.ts';
import { readCsvBytes } from './csvBytes.ts';
import type { CsvForm } from './forms/csv.ts';
import { DELIMITERS } from './forms/delimiter.ts';

const encoder = createFeatureEncoder(SIGNATURE, INPUTS.map(writerOf), FEATURES);
const NAMES = INPUTS.map(({ name }) => name);

/** Cells of CSV with a comma as delimiter and a point as decimal sign: right ones, then doubtful and wrong ones. */
const CELLS: Readonly<Record<Input['type'], readonly [readonly string[], readonly string[]]>> = {
  integer: [
    ['0', '-0', '7', '-12', '39.0', '12345678', '123456789', '1234567.000', ' 5', '6 ', '"8"', '" 9 "'],
    [
      ...[
        '',
        '  ',
        '""',
        '" "',
        '007',
        '+1',
        '5.',
        '.5',
        '1e2',
        '1e-2',
        '1.0e1',
        '39.5',
        '0x10',
        '- 1',
        '--1',
      ],
      ...['25.0000000000000000000001', '9007199254740993', '9007199254740992.0', '16777217', '1_000', '1\t'],
      ...[
        '\t1',
        '"1"2',
        '1"',
        '"1',
        '1 2',
        'NaN',
        'NA',
        'true',
        '1\\',
        '1\0',
        '\0',
        '\ufeff1',
        '1\u00a0',
        '１',
      ],
    ],
  ],
  number: [
    [
      '0',
      '-0.0',
      '0.1',
      '-12.75',
      '1e-7',
      '1E+2',
      '0.30000000000000004',
      '2e38',
      '',
      ' ',
      '""',
      '"1.5"',
      '" "',
    ],
    [
      ...[
        '123456789012345678',
        '1e-320',
        '1234567890123456789012',
        '1e-400',
        '1e400',
        '4e38',
        '.5',
        '5.',
        '+3',
      ],
      ...['00', '1.2.3', '1,5', '"1,5"', '"1,2,3"', 'NaN', 'inf', '"', '"1""5"', '1\r', '\r', '1;2', '1|2'],
    ],
  ],
  boolean: [
    ['true', 'false', 'True', 'False', 'TRUE', 'FALSE', '', '"true"', ' False ', '" "'],
    ['tRUE', 'yes', '1', '0', 'truee', 'fals', 'T', '\ttrue', 'true\u00a0', '\u00a0', '"false'],
  ],
  string: [
    ['x', '"x"'],
    [
      ...[
        'red',
        '"red"',
        ' green',
        'green',
        'é€😀',
        'the same sixteen, then 1',
        '"the same sixteen, then 1"',
      ],
      ...['"the same sixteen, then 3"', '', '""', ' ', '"a""b"', 'a"b', '"a"b', '\\', '"\\"', '\t', '"a\nb"'],
      ...[
        'free text',
        'in the table only',
        '\u0085',
        '\u2028',
        '\ud800',
        '\ufffd',
        '\ue000missing',
        '\u007f',
      ],
      ...[
        'exactly 16 bytes',
        'exactly 15 byte',
        'x'.repeat(31),
        'x'.repeat(32),
        'x'.repeat(70),
        'a\rb',
        'r\0',
      ],
    ],
  ],
};
const FREE = ['red', ' green', 'new', '"new"', '"the same sixteen, then 1"', 'é€😀', '"a,b"', 'x'.repeat(40)];
const ANY = Object.values(CELLS).flat(2);

const cellOf = ({ type, name }: Input): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 150,
      arbitrary: fc.constantFrom(...(type === 'string' && name !== 'closed' ? FREE : CELLS[type][0])),
    },
    { weight: 1, arbitrary: fc.constantFrom(...CELLS[type][1]) },
    { weight: 1, arbitrary: fc.constantFrom(...ANY) },
  );

const quoted = (cell: string): string => (/[",;|\t]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
const lineEnd = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom('\n', '\r\n') },
  fc.constantFrom('\n\n', '\r\n\r\n', '\n \n', '\r', ''),
);
const columns = fc.oneof(
  { weight: 6, arbitrary: fc.constant(NAMES) },
  { weight: 6, arbitrary: fc.shuffledSubarray(NAMES, { minLength: NAMES.length }) },
  fc.constantFrom([...NAMES, 'more'], ['more', ...NAMES, 'more'], NAMES.slice(1), [...NAMES, 'whole']),
);

interface Made {
  readonly body: Buffer;
  readonly form: CsvForm;
}

const made: fc.Arbitrary<Made> = fc
  .record({
    rows: fc.array(fc.tuple(fc.tuple(...INPUTS.map(cellOf)), lineEnd), { maxLength: 7 }),
    names: columns,
    indexed: fc.constantFrom(false, false, true),
    start: fc.oneof(
      { weight: 9, arbitrary: fc.constant('') },
      fc.constantFrom('\ufeff', '\n', 'sep=,\n', ' \n'),
    ),
    end: fc.oneof({ weight: 9, arbitrary: fc.constant('') }, fc.constantFrom('\0', '"', 'x', '\r', '\r\n')),
    delimiter: fc.oneof({ weight: 3, arbitrary: fc.constant(',' as const) }, fc.constantFrom(...DELIMITERS)),
    decimal: fc.constantFrom('.' as const, '.' as const, ',' as const),
    header: fc.constantFrom<NonNullable<CsvForm['header']>>(true, true, true, false, 'found'),
    hasHeader: fc.constantFrom(true, true, true, undefined),
    ignoreExtra: fc.boolean(),
    wrongIndex: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(1, 7)),
  })
  .map(
    ({
      rows,
      names,
      indexed,
      start,
      end,
      delimiter,
      decimal,
      header,
      hasHeader,
      ignoreExtra,
      wrongIndex,
    }) => {
      const isNamed = hasHeader ?? header === true;
      const order = header === false ? NAMES : names;
      const withIndex = indexed && header === true;
      const line = (cells: readonly string[], ends: string): string => cells.join(delimiter) + ends;
      const lines = rows.map(([cells, ends], row) => {
        const own = order.map((name) => {
          const cell = cells[NAMES.indexOf(name)] ?? 'more, or less';
          const inDecimal = decimal === ',' ? cell.replace(/^("? ?-?\d+)\.(?=\d)/, '$1,') : cell;
          return inDecimal.includes(delimiter) && !inDecimal.startsWith('"') ? quoted(inDecimal) : inDecimal;
        });
        return line(withIndex ? [String(row + wrongIndex), ...own] : own, ends);
      });
      const head =
        header === false || !isNamed ? '' : line([...(withIndex ? [''] : []), ...order.map(quoted)], '\n');
      const text = start.replace(',', delimiter) + head + lines.join('') + end;
      return { body: Buffer.from(text), form: { header, delimiter, decimal, ignoreExtra } };
    },
  );

/** What the memory held before must not matter, neither zeros nor what a body may go on with. */
function soil(byte: number): void {
  const kernel = takeKernel();
  if (kernel.orderAt > 0) kernel.words.fill(byte % 2 === 0 ? 0x2c2c2c2c : 0x39393939, kernel.orderAt);
}

function isTaken({ body, form }: Made, one = encoder, signature: Signature = SIGNATURE): boolean {
  soil(body.length);
  return readCsvBothWays(one, signature, body, form) !== undefined;
}

const changes = fc.array(
  fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...'",;|\t\r\n\\ 019-.+eEntf\0\x1f\x80\xff')),
  { minLength: 1, maxLength: 3 },
);
function change(body: Buffer, how: readonly (readonly [number, number, string])[]): Buffer {
  let text = body.toString('latin1');
  for (const [where, length, by] of how) {
    const at = where % (text.length + 1);
    text = text.slice(0, at) + by + text.slice(at + length);
  }
  return Buffer.from(text, 'latin1');
}

describe('a CSV read from its bytes', () => {
  it('gives what the long way gives, and many are taken', () => {
    const counts = { taken: 0, all: 0 };
    fc.assert(
      fc.property(made, (one) => {
        counts.all++;
        if (isTaken(one)) counts.taken++;
      }),
      { numRuns: 4000 },
    );
    expect(counts.taken / counts.all).toBeGreaterThan(1 / 3);
  });

  it('gives the same after any change of some bytes', () => {
    fc.assert(
      fc.property(made, changes, ({ body, form }, how) => {
        isTaken({ body: change(body, how), form });
      }),
      { numRuns: 4000 },
    );
  });

  it('gives the same in pieces, cut anywhere, with the same errors', () => {
    const counts = { taken: 0, all: 0 };
    const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 40, max: 400 }));
    const some = fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, changes);
    fc.assert(
      fc.property(made, some, size, ({ body, form }, how, bytes) => {
        soil(bytes);
        const read = readPiecesBothWays(encoder, SIGNATURE, change(body, how), form, bytes);
        counts.all += read.rows;
        counts.taken += read.taken;
      }),
      { numRuns: 4000 },
    );
    expect(counts.taken / counts.all).toBeGreaterThan(1 / 4);
  });

  it('gives the same for every cell in every column', () => {
    const taken = new Set<string>();
    const right = ['1', '2', '0.5', '0.25', 'true', 'red', 'x', 'y'];
    for (const decimal of ['.', ','] as const)
      for (const [column, name] of NAMES.entries())
        for (const cell of ANY) {
          const row = (decimal === '.' ? right : right.with(2, '5').with(3, '25')).with(column, cell);
          const body = Buffer.from(`${NAMES.map(quoted).join()}\n${row.join()}\n`);
          if (isTaken({ body, form: { decimal } })) taken.add(`${decimal} ${name}: ${cell}`);
        }
    for (const cell of [
      'whole: 39.0',
      'whole: " 9 "',
      'number: 1e-7',
      'number: ',
      'number: " "',
      'flag: TRUE',
    ])
      expect(taken).toContain(`. ${cell}`);
    for (const cell of ['number: "1,5"', 'parts: "1,5"', 'whole: 123456789'])
      expect(taken).toContain(`, ${cell}`);
    expect(taken).toContain(`. ${LONG}: é€😀`);
    expect(taken).toContain(`. ${LONG}: `);
    for (const cell of [
      'whole: 39.5',
      'whole: 25.0000000000000000000001',
      'number: 4e38',
      'closed: red',
      'free: ',
    ])
      expect(taken).not.toContain(`. ${cell}`);
    for (const cell of ['number: 0.1', 'number: "1.5"']) expect(taken).not.toContain(`, ${cell}`);
  });

  it('warns of the same unknown categories, however many', () => {
    for (const count of [1, 300, 5000]) {
      const lines = Array.from({ length: count }, (_, at) => `1,2,0.5,0.25,true,new ${at},x,y\n`);
      expect(isTaken({ body: Buffer.from(lines.join('')), form: { header: false } })).toBe(count < 2048);
    }
  });

  it('is not taken where a last line is longer than the long way reads', () => {
    const long = 'y'.repeat(1024 * 1024);
    const body = Buffer.from(`1,2,0.5,0.25,true,red,x,y\n1,2,0.5,0.25,true,red,x,${long}`);
    expect(encoder.planLines).toBeDefined();
    expect(readCsvBothWays(encoder, SIGNATURE, body, { header: false })).toBeUndefined();
  });
});

it('counts the bytes that its rows hold while they wait for an observer', () => {
  const input: Input = { name: 'a', onnx: 'a', type: 'number', nullable: false };
  const one: Encoder = createFeatureEncoder({ inputs: [input] }, [writerOf(input, 0)], 3);
  const read = readCsvBytes(Buffer.from('a\n1\n23\n'), {
    encoder: one,
    signature: { ...SIGNATURE, inputs: [input] },
  });
  expect(read?.encoded?.rows).toBe(2);
  expect(read?.table.heldBytes).toBe('1\n23\n'.length);
});

describe('a column of float16', () => {
  it('goes the long way, which knows its bounds', () => {
    const input: Input = { name: 'a', onnx: 'a', type: 'number', nullable: false, tensor: 'float16' };
    const one: Encoder = createFeatureEncoder({ inputs: [input] }, [writerOf(input, 0)], 3);
    expect(one.readBytes?.(Buffer.from('[{"a":99999}]'), 'native')).toBeUndefined();
  });
});

describe('the rows of Adult', async () => {
  const { fast, signature } = await fastPathOf(await loadAdult());
  const adult = fast?.encoder ?? encoder;
  const rows = readAdultRows().map(({ cells }) => cells);
  const file = (separator: string, quote: (cell: string | number) => string): Buffer =>
    Buffer.from([ADULT_COLUMNS, ...rows].map((cells) => cells.map(quote).join(separator)).join('\r\n'));

  it('are all taken, with quotes and without, and all but the header in pieces', () => {
    for (const delimiter of DELIMITERS)
      for (const quote of [String, JSON.stringify, (cell: string | number): string => `"${cell}"`]) {
        const body = file(delimiter, quote);
        expect(isTaken({ body, form: { delimiter } }, adult, signature)).toBe(true);
        if (delimiter !== ',') continue;
        const read = readPiecesBothWays(adult, signature, body, { delimiter }, 65_536);
        expect(read.taken).toBe(rows.length);
      }
  });
});
