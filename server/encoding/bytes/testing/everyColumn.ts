import type { Input, Signature } from '../../../model/signature.ts';
import type { CellWriter, TextEntry } from '../../cellWriters.ts';

export const LONG = 'a name of more than thirty-two bytes, with umlauts: ä';

/** One column of each kind that a signature may have. */
export const INPUTS: readonly Input[] = [
  { name: 'whole', onnx: 'a', type: 'integer', nullable: false },
  { name: 'single', onnx: 'b', type: 'integer', nullable: true, tensor: 'float32' },
  { name: 'number', onnx: 'c', type: 'number', nullable: true },
  { name: 'parts', onnx: 'd', type: 'number', nullable: true },
  { name: 'flag', onnx: 'e', type: 'boolean', nullable: true },
  {
    name: LONG,
    onnx: 'f',
    type: 'string',
    nullable: true,
    missing: '\ue000missing',
    categories: [
      ...['', 'red', ' green', 'the same sixteen, then 1', 'the same sixteen, then 2', 'é€😀', '"quoted"'],
    ],
  },
  {
    name: 'closed',
    onnx: 'g',
    type: 'string',
    nullable: false,
    closed: true,
    categories: ['x', '"', '\\', '\n', '\u0085', '\u2028', '\ud800', 'exactly 16 bytes', 'exactly 15 byte'],
  },
  { name: 'free', onnx: 'h', type: 'string', nullable: false },
];
export const SIGNATURE = { task: 'regression', inputs: INPUTS, outputs: { value: 'v' } } as Signature;
export const FEATURES = 24;

/** Writers as the compiler makes them: `parts` is one that the kernel has no code for. */
export function writerOf({ type, categories = [] }: Input, column: number): CellWriter<Float32Array> {
  const position = 3 * column;
  if (type !== 'string') {
    // Writes a number in three parts: in all its digits, which float32 alone would lose.
    if (column === 3)
      return {
        kind: 'number',
        write: (value, matrix, rowStart) => {
          const first = Math.fround(value);
          const second = Math.fround(value - first);
          matrix.set([first, second, value - first - second], rowStart + position);
        },
      };
    const missing = column === 2 ? -7 : NaN;
    return {
      kind: 'number',
      plain: { position, missing },
      write: (value, matrix, rowStart) => {
        matrix[rowStart + position] = Number.isNaN(value) ? missing : value;
      },
    };
  }
  const entries = new Map(
    categories.map((text, code): [string, TextEntry] => [
      text,
      // One writes nothing.
      text === ' green'
        ? { positions: [], values: [], known: true }
        : { positions: [position, position + 1], values: [code, 0.1], known: true },
    ]),
  );
  entries.set('in the table only', { positions: [position], values: [99], known: false });
  const other: TextEntry = { positions: [position + 2], values: [-1], known: false };
  return {
    kind: 'text',
    table: { entries, other },
    write: (text, matrix, rowStart) => {
      const { positions, values, known } = entries.get(text) ?? other;
      positions.forEach((at, index) => (matrix[rowStart + at] = values[index] as number));
      return known;
    },
  };
}

/** Texts of JSON for a cell: right ones, doubtful ones and wrong ones. */
export const CELLS: Readonly<Record<Input['type'], readonly string[]>> = {
  integer: [
    ...['0', '-0', '7', '-12', '39.0', '3.9e1', '12345678', '123456789', '16777216', '-16777218', '1e5'],
    ...['9007199254740991', '-9007199254740991', '1234567890123456', 'null'],
    ...[
      '39.5',
      '9007199254740993',
      '16777217',
      '01',
      '-',
      '+1',
      '1.',
      '.5',
      '1e',
      '0x10',
      '1e999',
      'true',
      '"1"',
    ],
  ],
  number: [
    ...['0', '-0', '-0.0', '0.1', '-12.75', '1e-7', '1E+2', '0.30000000000000004', '5.1', '123456.789012'],
    ...['12345678.12345678', '0.000012345678', '9007199254740993', '123456789012345678', '1e-320', '2e38'],
    ...[
      '1234567890123456789012',
      '3.4028234663852886e38',
      '1e-400',
      '1e400',
      '4e38',
      'null',
      'NaN',
      'Infinity',
    ],
    ...['00', '1.e5', '--1', '1e5.5', 'false', '[1]', '{}', ''],
  ],
  boolean: ['true', 'false', 'null', '1', '"true"', 'True', 'tru', 'falsey'],
  string: [
    ...['""', '"red"', '" green"', '"green"', '"x"', '"free text"', '"the same sixteen, then 1"'],
    ...[
      '"the same sixteen, then 2"',
      '"the same sixteen, then 3"',
      '"é€😀"',
      '"in the table only"',
      '"\u0085"',
    ],
    ...['"\u2028"', '"\u007f"', '"exactly 16 bytes"', '"exactly 15 byte"', '"exactly 15 bytes and more"'],
    ...[
      '"\\u0072ed"',
      '"\\""',
      '"\\\\"',
      '"\\n"',
      '"\\ud800"',
      '"\ufffd"',
      '"\ue000missing"',
      'null',
      'red',
      '"',
    ],
    ...['"\n"', '"\t"', '3', "'x'", '"x\\"', '"x\0"', '"\0"', '"red\0"'],
  ],
};
