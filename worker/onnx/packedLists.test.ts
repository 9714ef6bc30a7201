import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEnums, readFloats, readInt32s } from './packedLists.ts';
import { OnnxRefused } from './onnxRefused.ts';

const INTS = 8;

/** A repeated field, in runs that are packed or not, among other fields. */
function write(
  runs: readonly { packed: boolean; values: readonly number[] }[],
  field: number,
  wire: WireType,
): Uint8Array {
  const writer = new BinaryWriter();
  const element = (value: number): void =>
    void (wire === WireType.Varint ? writer.int64(value) : writer.float(value));
  for (const { packed, values } of runs) {
    writer.tag(1, WireType.LengthDelimited).string('name');
    if (packed) {
      writer.tag(field, WireType.LengthDelimited).fork();
      values.forEach(element);
      writer.join();
    } else {
      for (const value of values) {
        writer.tag(field, wire);
        element(value);
      }
    }
    writer.tag(20, WireType.Varint).int32(7);
  }
  return writer.finish();
}

const runsOf = (value: fc.Arbitrary<number>) =>
  fc.array(fc.record({ packed: fc.boolean(), values: fc.array(value, { maxLength: 100 }) }));

describe('lists of attributes', () => {
  it('are the same packed and one by one', () => {
    fc.assert(
      fc.property(runsOf(fc.integer()), (runs) => {
        const values = runs.flatMap((run) => run.values);
        expect([...readInt32s(write(runs, INTS, WireType.Varint), INTS)]).toEqual(values);
      }),
    );
    fc.assert(
      fc.property(runsOf(fc.float()), (runs) => {
        const values = runs.flatMap((run) => run.values);
        expect([...readFloats(write(runs, 7, WireType.Bit32), 7)]).toEqual(values);
      }),
    );
  });

  it.each([2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 35 + 1, Number.MAX_SAFE_INTEGER])(
    'refuse the index %d',
    (value) => {
      const bytes = write([{ packed: false, values: [1, value] }], INTS, WireType.Varint);
      expect(() => readInt32s(bytes, INTS)).toThrow(new OnnxRefused('an index is out of range'));
    },
  );

  it('refuse another wire type and a list that ends too early', () => {
    const floats = write([{ packed: false, values: [1] }], INTS, WireType.Bit32);
    expect(() => readInt32s(floats, INTS)).toThrow(OnnxRefused);
    const whole = write([{ packed: false, values: [1, 2] }], 7, WireType.Bit32);
    const list = whole.subarray(0, whole.length - 4);
    expect(() => readFloats(list, 7)).toThrow(OnnxRefused);
  });

  it('hold only names that are known', () => {
    const writer = new BinaryWriter();
    for (const name of ['LEAF', 'BRANCH_LEQ', 'LEAF']) writer.tag(9, WireType.LengthDelimited).string(name);
    const bytes = writer.finish();
    expect([...readEnums(bytes, 9, ['BRANCH_LEQ', 'BRANCH_LT', 'LEAF'])]).toEqual([2, 0, 2]);
    expect(() => readEnums(bytes, 9, ['LEAF', 'BRANCH_GEQ'])).toThrow(OnnxRefused);
    expect(() => readEnums(bytes.subarray(0, 4), 9, ['LEAF'])).toThrow(OnnxRefused);
  });
});
