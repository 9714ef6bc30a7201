import type { ElementType } from '../../../worker/onnx/elementTypes.ts';
import { elementTypeOf } from '../../../worker/onnx/elementTypes.ts';
import type { Operator } from './operator.ts';
import { attribute, columnsAt } from './operator.ts';
import { NotUnderstood, mapFeature } from './symbolic.ts';

/** Conversions between element types, with ONNX Runtime's results bit by bit. */

type Convert = (value: number) => number;

const INT64_MIN = -(2 ** 63);

/**
 * Truncates. For NaN and values out of range the result is undefined in C++; x86-64 gives the smallest integer. On a
 * machine that differs, the comparison with ONNX Runtime at load fails.
 */
export const toInt64: Convert = (value) => {
  // -0 is no integer.
  const whole = Math.trunc(value) + 0;
  return whole >= INT64_MIN && whole < -INT64_MIN ? whole : INT64_MIN;
};

const same: Convert = (value) => value;

/** The supported conversions. Not to int32: the result for a large number depends on ONNX Runtime's optimizer. */
function conversion(from: ElementType, to: ElementType | undefined): Convert {
  if (from === to) return same;
  if (from === 'string' || to === 'string') throw new NotUnderstood('converts from or to text');
  switch (to) {
    case 'float':
      return Math.fround;
    case 'double':
      return same;
    case 'int64':
      return from === 'float' || from === 'double' ? toInt64 : same;
    case 'bool':
      // NaN isn't zero.
      return (value) => (value === 0 ? 0 : 1);
    default:
      throw new NotUnderstood('converts to a type that is not supported');
  }
}

export const cast: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  const to = elementTypeOf(attribute(call, 'to')?.int() ?? 0);
  const convert = conversion(tensor.element, to);
  const features =
    convert === same ? tensor.features : tensor.features.map((feature) => mapFeature(feature, convert));
  return { element: to ?? tensor.element, dims: tensor.dims, features };
};
