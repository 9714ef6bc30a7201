import type { Input, Signature } from '../../../model/signature.ts';
import { createFeatureEncoder } from '../../encoder.ts';
import type { Encoder } from '../../../model/rows.ts';
import { FEATURES, INPUTS, writerOf } from './everyColumn.ts';
import { createPick } from './pick.ts';

/** Columns that requests are made for. Those of one kind may come in one tensor. */
export const MODELS = ([INPUTS, INPUTS.slice(0, 4), INPUTS.slice(5)] as const).map((inputs) => {
  const signature = { task: 'regression', inputs, outputs: { value: 'v' } } as Signature;
  const writers = inputs.map((input) => writerOf(input, INPUTS.indexOf(input)));
  const encoder: Encoder = createFeatureEncoder(signature, writers, FEATURES);
  return { name: 'm', version: 1, signature, encoder };
});

const TEXTS: readonly (readonly string[])[] = [
  [
    '',
    'red',
    ' green',
    'new',
    'the same sixteen, then 1',
    'é€😀',
    '"quoted"',
    '\u0085',
    'a text of more than thirty-two bytes',
  ],
  ['x', 'exactly 16 bytes', 'exactly 15 byte', '\u0085', '\u2028'],
  ['free', '', 'in the table only', '\ufffd', '"', '\\', '\n'],
];
const NUMBERS = [
  '0',
  '-0',
  '7',
  '-12',
  '39.0',
  '3.9e1',
  '12345678',
  '5',
  '127',
  '128',
  '255',
  '256',
  '16777217',
];
const FRACTIONS = [
  '0.1',
  '-0.5',
  '1e-7',
  '0.30000000000000004',
  '2e38',
  '4e38',
  '1e-46',
  '0.99999999999',
  '1e400',
];
const INTEGERS = ['INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64'];
const FLOATS = ['FP32', 'FP64', 'FP64'];
const OTHERS = ['FP16', 'BF16', 'BOOL', 'BYTES', 'INT64', 'FP32', 'int64'];

type Pick = (count: number) => number;
const oneOf = <T>(pick: Pick, list: readonly T[]): T => list[pick(list.length)] as T;

function typeOf(pick: Pick, { type }: Input): string {
  if (pick(100) === 0) return oneOf(pick, OTHERS);
  if (type === 'string') return 'BYTES';
  if (type === 'boolean') return 'BOOL';
  return oneOf(pick, type === 'integer' || pick(3) === 0 ? INTEGERS.slice(pick(6)) : FLOATS);
}

function textOf(pick: Pick, { name }: Input): string {
  return oneOf(pick, TEXTS[name === 'closed' ? 1 : name === 'free' ? 2 : 0] as readonly string[]);
}

function jsonCell(pick: Pick, input: Input, datatype: string): string {
  if (pick(400) === 0) return oneOf(pick, ['[1]', '"x"', '', '01', 'true', '1', '"\\u0072ed"', '-', 'nul']);
  if (input.nullable && pick(8) === 0) return 'null';
  if (input.type === 'string') return JSON.stringify(textOf(pick, input));
  if (input.type === 'boolean') return oneOf(pick, ['true', 'false']);
  if (pick(80) === 0) return oneOf(pick, [...NUMBERS, ...FRACTIONS]);
  if (datatype.startsWith('FP') && input.type === 'number')
    return pick(3) === 0 ? oneOf(pick, FRACTIONS.slice(0, 5)) : String((pick(2 ** 24) - 2 ** 23) / 1024);
  return String(pick(datatype.endsWith('8') ? 127 : datatype.endsWith('16') ? 32_768 : 2 ** 24));
}

function binaryCell(pick: Pick, input: Input, datatype: string): Buffer {
  if (datatype === 'BYTES') {
    const text = Buffer.from(textOf(pick, input));
    if (pick(100) === 0 && text.length > 0) text[pick(text.length)] = pick(256);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([length, text]);
  }
  const size = Number(/\d+$/.exec(datatype)?.[0] ?? 8) / 8;
  const bytes = Buffer.alloc(size);
  if (datatype.startsWith('FP') && size >= 4) {
    const value = pick(20) === 0 ? oneOf(pick, [NaN, Infinity, -0, 0.1]) : pick(1000);
    if (size === 4) bytes.writeFloatLE(value);
    else bytes.writeDoubleLE(value);
    return bytes;
  }
  bytes[0] = datatype === 'BOOL' ? (pick(60) >> 1) & 1 : pick(128);
  if (pick(80) === 0) bytes.fill(pick(256), pick(size));
  return bytes;
}

interface Made {
  readonly model: (typeof MODELS)[number];
  readonly bytes: Buffer;
  readonly headerLength: number | undefined;
}

/** @param seed the same one makes the same requests */
export function createRandomTensors(seed: number): () => Made {
  const pick = createPick(seed);
  const write = (): Made => {
    const model = oneOf(pick, MODELS);
    const { inputs } = model.signature;
    const rows = 1 + pick(3);
    const comma = oneOf(pick, [',', ', ', ' ,\n']);
    const binary: Buffer[] = [];
    const tensor = (columns: readonly Input[], name: string, datatype: string): string => {
      const cells = Array.from({ length: rows }, () => columns).flat();
      const claimed = rows + (pick(200) === 0 ? 1 : 0);
      const shape = columns.length > 1 ? [claimed, columns.length] : oneOf(pick, [[claimed], [claimed, 1]]);
      const head = [
        `"name":${JSON.stringify(name)}`,
        `"shape" : ${JSON.stringify(shape)}`,
        `"datatype":"${datatype}"`,
      ];
      if (pick(6) === 0) head.reverse();
      if (pick(100) === 0) head.pop();
      if (pick(3) === 0) {
        const bytes = Buffer.concat(cells.map((input) => binaryCell(pick, input, datatype)));
        binary.push(bytes);
        const size = bytes.length + (pick(200) === 0 ? 1 : 0);
        head.push(`"parameters": {"binary_data_size":${size}}`);
      } else head.push(`"data":[${cells.map((input) => jsonCell(pick, input, datatype)).join(comma)}]`);
      return `{${head.join(comma)}}`;
    };
    const isMatrix = inputs.length < INPUTS.length && pick(2) === 0;
    const order = [...inputs];
    if (pick(3) === 0) order.reverse();
    if (pick(50) === 0) order[pick(order.length)] = oneOf(pick, inputs);
    if (pick(80) === 0) order.pop();
    const list = isMatrix
      ? [
          tensor(
            inputs,
            oneOf(pick, ['all', '', 'any name', pick(9) ? 'x' : 'whole']),
            typeOf(pick, oneOf(pick, inputs)),
          ),
        ]
      : order.map((input) => tensor([input], input.name, typeOf(pick, input)));
    const before = oneOf(pick, [
      '',
      '',
      '"id":"7",',
      '"parameters":{"inputs":[]},',
      '"inputs":[],',
      '"id":7,',
    ]);
    const after = oneOf(pick, [
      '',
      '',
      ',"id":"7"',
      ',"outputs":[{"name":"v"}]',
      ',"other":1',
      ',"inputs":[]',
      '}',
    ]);
    const rare = pick(8) === 0;
    const json = Buffer.from(`{${rare ? before : ''}"inputs":[${list.join(comma)}]${rare ? after : ''}}`);
    const bytes = Buffer.concat([json, ...binary]);
    if (pick(16) === 0)
      bytes[pick(bytes.length)] = pick(2) === 0 ? pick(256) : '[]{}",:\\ 019-.en'.charCodeAt(pick(17)) || 0;
    const headerLength = json.length + (pick(100) === 0 ? pick(9) - 4 : 0);
    return { model, bytes, headerLength: binary.length > 0 || pick(3) === 0 ? headerLength : undefined };
  };
  return write;
}
