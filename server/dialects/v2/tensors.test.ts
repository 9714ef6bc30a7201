import { describe, expect, it } from 'vitest';
import { createEncoder } from '../../encoding/encoder.ts';
import { Problem } from '../../errors/problem.ts';
import type { ColumnType, Input } from '../../model/signature.ts';
import { errorSentence } from '../errorSentence.ts';
import { readV2InferRequest } from './request.ts';
import { toTable } from './table.ts';

const column = (name: string, type: ColumnType): Input => ({ name, onnx: name, type, nullable: true });
const NUMBERS = ['a', 'b', 'c', 'd'].map((name) => column(name, 'number'));
const MIXED = [column('a', 'integer'), column('größe', 'string'), column('c', 'boolean')];

/** The rows of a request with these inputs, encoded; or the sentence of its refusal. */
function read(tensors: unknown, inputs: readonly Input[], rest: Buffer = Buffer.alloc(0)): unknown {
  const json = Buffer.from(JSON.stringify({ inputs: tensors }));
  try {
    const request = readV2InferRequest(
      Buffer.concat([json, rest]),
      rest.length > 0 ? json.length : undefined,
      { name: 'm', version: 1 },
      [],
    );
    const { columns, data } = toTable(request.tensors, inputs);
    createEncoder({ inputs }).encode(columns, data);
    return data;
  } catch (error) {
    if (error instanceof Problem) return errorSentence(error);
    throw error;
  }
}

describe('FP16 and BF16', () => {
  const words = (...bits: number[]): Buffer => {
    const bytes = Buffer.alloc(bits.length * 2);
    bits.forEach((value, at) => bytes.writeUInt16LE(value, at * 2));
    return bytes;
  };

  it.each([
    ['FP16', words(0x3c00, 0xc000, 0x3555, 0x7e00), [1, -2, 0.333251953125, null]],
    ['BF16', words(0x3f80, 0xc000, 0x3eab, 0x7fc0), [1, -2, 0.333984375, null]],
  ])('%s is widened exactly; NaN is missing', (datatype, rest, row) => {
    const tensor = { name: 'x', datatype, shape: [1, 4], parameters: { binary_data_size: 8 } };
    expect(read([tensor], NUMBERS, rest)).toEqual([row]);
  });

  it('are numbers in JSON, rounded as they are to that type', () => {
    const tensor = (datatype: string, data: unknown[]): object => ({
      name: 'x',
      datatype,
      shape: [1, 4],
      data,
    });
    expect(read([tensor('FP16', [0.1, 2048, null, -1])], NUMBERS)).toEqual([
      [0.0999755859375, 2048, null, -1],
    ]);
    expect(read([tensor('BF16', [0.1, 256, null, -1])], NUMBERS)).toEqual([[0.10009765625, 256, null, -1]]);
    expect(read([tensor('FP16', [2049, 1e5, 1, 1])], NUMBERS)).toBe(
      'Some rows do not match the model\'s signature: row 0, column "a": expected a value that FP16 holds, found a longer integer; row 0, column "b": expected a value within FP16, found one outside.',
    );
  });

  it('of another length than their shape are refused', () => {
    const tensor = { name: 'x', datatype: 'FP16', shape: [1, 4], parameters: { binary_data_size: 6 } };
    expect(read([tensor], NUMBERS, words(1, 2, 3))).toBe('Input 0 has 6 bytes where its shape needs 8.');
  });
});

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const TEXT = 'Größe 😀';

describe('texts in base64', () => {
  const INPUTS = [column('s', 'string')];
  const tensor = (data: unknown[], more: object = {}): object => ({
    name: 's',
    datatype: 'BYTES',
    shape: [data.length],
    data,
    parameters: { content_type: 'base64' },
    ...more,
  });

  it('are decoded', () => {
    expect(read([tensor([base64(TEXT), '', null, base64('a').replace(/=/g, '')])], INPUTS)).toEqual([
      [TEXT],
      [''],
      [null],
      ['a'],
    ]);
  });

  it('are decoded as binary data', () => {
    const element = Buffer.from(base64(TEXT));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(element.length);
    const rest = Buffer.concat([length, element]);
    const parameters = { content_type: 'base64', binary_data_size: rest.length };
    expect(read([{ name: 's', datatype: 'BYTES', shape: [1], parameters }], INPUTS, rest)).toEqual([[TEXT]]);
  });

  it.each([
    ['*SECRET*', 'expected text in base64, found another text'],
    ['SECRE', 'expected text in base64, found another text'],
    ['QQ== ', 'expected text in base64, found another text'],
    [base64(Buffer.from([0xff])), 'expected text in UTF-8, found other bytes'],
    [5, 'expected a string, found a number'],
  ])('%j is refused by row and column', (value, message) => {
    expect(read([tensor([base64('a'), value])], INPUTS)).toBe(
      `Some rows do not match the model's signature: row 1, column "s": ${message}.`,
    );
  });
});

describe("contents, as in the JSON of gRPC's messages", () => {
  const tensor = (name: string, datatype: string, contents: unknown, more: object = {}): object => ({
    name,
    datatype,
    shape: [2],
    contents,
    ...more,
  });

  it('are read, in both spellings', () => {
    const tensors = (member: (name: string) => string): object[] => [
      tensor('a', 'INT64', { [member('int64_contents')]: ['25', 26] }),
      tensor('größe', 'BYTES', { [member('bytes_contents')]: [base64(TEXT), ''] }),
      tensor('c', 'BOOL', { [member('bool_contents')]: [true, false] }),
    ];
    const rows = [
      [25, TEXT, true],
      [26, '', false],
    ];
    expect(read(tensors(String), MIXED)).toEqual(rows);
    expect(
      read(
        tensors((name) => name.replace('_c', 'C')),
        MIXED,
      ),
    ).toEqual(rows);
    const [first, second, third] = tensors(String);
    expect(read([first, { ...second, parameters: { content_type: 'base64' } }, third], MIXED)).toEqual(rows);
  });

  it.each<[string, object, string]>([
    [
      'of another type',
      tensor('a', 'INT64', { fp32_contents: [1, 2] }),
      'Input 0 needs a list "int64_contents" alone in its "contents".',
    ],
    [
      'of two types',
      tensor('a', 'INT32', { int_contents: [1, 2], fp32_contents: [] }),
      'Input 0 needs a list "int_contents" alone in its "contents".',
    ],
    [
      'without a list',
      tensor('a', 'INT32', [1, 2]),
      'Input 0 needs a list "int_contents" alone in its "contents".',
    ],
    [
      'of a type without contents',
      tensor('a', 'FP16', {}),
      'Input 0 has no "contents" for FP16: send binary data, or "data" in JSON.',
    ],
    [
      'beside data',
      tensor('a', 'INT32', { int_contents: [1, 2] }, { data: [1, 2] }),
      'Input 0 has "contents" beside other data.',
    ],
    [
      'beside binary data',
      tensor('a', 'INT32', { int_contents: [1, 2] }, { parameters: { binary_data_size: 0 } }),
      'Input 0 has "contents" beside other data.',
    ],
    [
      'of another number',
      tensor('a', 'INT32', { int_contents: [1] }),
      'Input 0 holds 1 elements where its shape has 2.',
    ],
  ])('%s are refused', (_, input, sentence) => {
    expect(read([input], MIXED)).toBe(sentence);
  });

  it('of an integer that JSON cannot hold are refused by row and column', () => {
    const input = tensor('a', 'INT64', { int64_contents: ['1', '9007199254740993'] });
    expect(read([input], [column('a', 'integer')])).toBe(
      'Some rows do not match the model\'s signature: row 1, column "a": expected an integer within ±(2^53 - 1), found a larger one.',
    );
  });
});

describe('a tensor that does not fit', () => {
  it('names itself and the choices, where its datatype is none', () => {
    for (const datatype of [undefined, 'int64', 'FP8', 7])
      expect(read([{ name: 'a', datatype, shape: [1], data: [1] }], MIXED)).toBe(
        'Input 0, "a", needs a "datatype", one of INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FP16, BF16, FP32, FP64, BOOL, BYTES.',
      );
    expect(read([{ name: 'a', datatype: 'BYTES', shape: [1], data: ['1'] }], MIXED)).toBe(
      'Input 0 is BYTES; column "a" takes INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FP16, BF16, FP32, FP64.',
    );
  });

  it('says its width, where it would be a matrix', () => {
    expect(read([{ name: 'x', datatype: 'FP64', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }], NUMBERS)).toBe(
      'Input 0, "x", has 3 columns where the model has 4: it must have the shape [rows, 4], or be one tensor a column.',
    );
    expect(read([{ name: 'a', datatype: 'FP64', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }], NUMBERS)).toBe(
      'Input 0, "a", must have the shape [rows] or [rows, 1].',
    );
  });

  it('says that its name differs in Unicode form', () => {
    const sent = 'größe'.normalize('NFD');
    const tensors = MIXED.map(({ name }, at) => ({
      name: name === 'größe' ? sent : name,
      datatype: ['INT64', 'BYTES', 'BOOL'][at],
      shape: [0],
      data: [],
    }));
    expect(read(tensors, MIXED)).toBe(
      `The columns do not match the model's signature: missing: "größe"; unknown: "${sent}"; names differ in Unicode form: send "größe" in NFC.`,
    );
  });

  it('that was encoded twice says so', () => {
    expect(read([{ name: 'a', datatype: 'INT64', shape: [1], data: '[1]' }], MIXED)).toBe(
      'The "data" of input 0 was encoded twice: pass the object or list, not its text as JSON.',
    );
  });
});
