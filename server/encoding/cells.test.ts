import { describe, expect, it } from 'vitest';
import { TEXT_CELL } from '../../worker/protocol.ts';
import type { Input } from '../model/signature.ts';
import { TEXT, createCellEncoder } from './cells.ts';
import type { CellWriter } from './cellWriters.ts';
import { createCellWriters } from './cellWriters.ts';

/** The text for null, whose code is the one after the categories'. */
const NULL = '\ue000missing';

const input = (type: Input['type'], nullable: boolean): Input => ({
  name: 'c',
  onnx: 'c',
  type,
  nullable,
  ...(type === 'string' ? { categories: ['red', ' green'], ...(nullable && { missing: NULL }) } : {}),
});

/** The fault, TEXT for an unknown category, or the number in the matrix. */
function encode(column: Input, value: unknown): number | string | typeof TEXT {
  const target = new Float64Array([0, 99, 0]);
  const [writer] = createCellWriters([column]);
  const fault = createCellEncoder(column, writer as CellWriter<Float64Array>)(value, target, 1);
  expect([target[0], target[2]]).toEqual([0, 0]);
  if (fault === TEXT) expect(target[1]).toBe(TEXT_CELL);
  return typeof fault === 'object' ? fault.message : (fault ?? (target[1] as number));
}

const refusal = (expected: string, found: string): string => `expected ${expected}, found ${found}`;
const LARGE_INTEGER = 'expected an integer within ±(2^53 - 1), found a larger one';
const LARGE_NUMBER = 'expected a number within ±3.4e38, found a larger one';
const FRACTION = 'expected an integer, found a fraction';

/** A JSON value, and what each type of column makes of it. */
type Case = readonly [
  json: string,
  outcomes: Readonly<Record<'integer' | 'number' | 'boolean' | 'string', number | string | typeof TEXT>>,
];

const numeric = (json: string, integer: number | string, number: number | string = integer): Case => [
  json,
  {
    integer,
    number,
    boolean: refusal('a boolean', 'a number'),
    string: refusal('a string', 'a number'),
  },
];
const other = (json: string, found: string, taken: Partial<Case[1]> = {}): Case => [
  json,
  {
    integer: refusal('an integer', found),
    number: refusal('a number', found),
    boolean: refusal('a boolean', found),
    string: refusal('a string', found),
    ...taken,
  },
];

const CASES: readonly Case[] = [
  numeric('0', 0),
  numeric('-0', -0),
  numeric('39', 39),
  numeric('39.0', 39),
  numeric('3.9e1', 39),
  numeric('-7', -7),
  numeric('39.5', FRACTION, 39.5),
  numeric('1e-300', FRACTION, 1e-300),
  numeric('9007199254740991', 2 ** 53 - 1),
  numeric('9007199254740992', LARGE_INTEGER, 2 ** 53),
  numeric('-9007199254740992', LARGE_INTEGER, -(2 ** 53)),
  numeric('9223372036854775808', LARGE_INTEGER, 2 ** 63),
  numeric('3.4e38', LARGE_INTEGER, 3.4e38),
  numeric('1e39', LARGE_INTEGER, LARGE_NUMBER),
  numeric('-1e39', LARGE_INTEGER, LARGE_NUMBER),
  numeric('1e999', LARGE_INTEGER, LARGE_NUMBER),
  numeric('-1e999', LARGE_INTEGER, LARGE_NUMBER),
  other('"red"', 'a string', { string: 0 }),
  other('" green"', 'a string', { string: 1 }),
  other('"green"', 'a string', { string: TEXT }),
  other('""', 'a string', { string: TEXT }),
  other('"39"', 'a string', { string: TEXT }),
  other('"__proto__"', 'a string', { string: TEXT }),
  other('true', 'a boolean', { boolean: 1 }),
  other('false', 'a boolean', { boolean: 0 }),
  other('[]', 'a list'),
  other('[39]', 'a list'),
  other('{}', 'an object'),
  other('{"toString":39}', 'an object'),
];

describe.each(['integer', 'number', 'boolean', 'string'] as const)('a cell of type %s', (type) => {
  it.each(CASES)('is given %s', (json, outcomes) => {
    for (const nullable of [true, false]) {
      expect(encode(input(type, nullable), JSON.parse(json))).toBe(outcomes[type]);
    }
  });

  it('is missing where it may be null, and refused where it may not', () => {
    expect(encode(input(type, true), null)).toBe(type === 'string' ? 2 : NaN);
    expect(encode(input(type, false), null)).toMatch(/found null \(this column takes no missing value\)$/);
  });
});

describe('an integer column that a float32 tensor takes', () => {
  const column: Input = { ...input('integer', true), tensor: 'float32' };
  const ROUNDED = 'expected an integer that FP32 holds (the model computes in it), found a longer one';

  it.each([0, -7, 2 ** 24, -(2 ** 24), 2 ** 24 + 2, 20240200, 2 ** 53 - 2 ** 29])('takes %s', (value) => {
    expect(encode(column, value)).toBe(value);
  });

  it.each([
    [2 ** 24 + 1, ROUNDED],
    [-(2 ** 24) - 1, ROUNDED],
    [20240201, ROUNDED],
    [2 ** 53 - 1, ROUNDED],
    [2 ** 53, LARGE_INTEGER],
    [2 ** 24 + 0.5, FRACTION],
  ])('refuses %s', (value, reason) => expect(encode(column, value)).toBe(reason));

  it('may be missing', () => expect(encode(column, null)).toBe(NaN));
  it('is no number column, whose values are rounded', () => {
    expect(encode({ ...input('number', true), tensor: 'float32' }, 20240201)).toBe(20240201);
  });
});

describe('the text that stands for null', () => {
  it('is refused in a nullable column, and unknown in another one', () => {
    expect(encode(input('string', true), NULL)).toMatch(/send null$/);
    expect(encode(input('string', true), `${NULL} `)).toBe(TEXT);
    expect(encode(input('string', false), NULL)).toBe(TEXT);
  });
});

describe('a closed string column', () => {
  it('refuses other texts than the categories, without repeating them', () => {
    const closed: Input = { ...input('string', true), closed: true };
    expect([encode(closed, ' green'), encode(closed, null)]).toEqual([1, 2]);
    expect(encode(closed, 'green')).toMatch(/^expected one of the known categories, found another text/);
    expect(encode(closed, 'green')).not.toContain('green');
  });
});

describe('a string column without categories', () => {
  it('sends every text beside the matrix', () => {
    const free: Input = { name: 'c', onnx: 'c', type: 'string', nullable: false };
    expect(encode(free, 'red')).toBe(TEXT);
  });
});
