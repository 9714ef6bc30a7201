import type { Element } from '../onnx/elements.ts';
import { elementOf } from '../onnx/elements.ts';
import type { Operator } from './operator.ts';
import { attribute, columnsAt } from './operator.ts';
import { NotUnderstood, mapFeature } from './symbolic.ts';

/** Conversions between element types, with ONNX Runtime's results bit by bit. */

type Convert = (value: number) => number;

const INT64_MIN = -(2 ** 63);
const INT32_MIN = -(2 ** 31);

/**
 * C++ leaves it open what NaN and what lies out of range become. x86-64's instruction gives the smallest integer; where
 * another machine differs on such a cell, the comparison with ONNX Runtime at load finds it.
 */
const truncate =
  (min: number): Convert =>
  (value) => {
    // -0 is no integer.
    const whole = Math.trunc(value) + 0;
    return whole >= min && whole < -min ? whole : min;
  };

export const toInt64 = truncate(INT64_MIN);
const toInt32 = truncate(INT32_MIN);

const same: Convert = (value) => value;

const isFraction = (element: Element): boolean => element === 'float' || element === 'double';

/** The conversion from one numeric type to another. */
function conversion(from: Element, to: Exclude<Element, 'string'>): Convert {
  if (from === to) return same;
  switch (to) {
    case 'float':
      return Math.fround;
    case 'double':
      return same;
    case 'int64':
      return isFraction(from) ? toInt64 : same;
    case 'int32':
      // Integers lose their upper bits.
      return isFraction(from) ? toInt32 : (value) => value | 0;
    case 'bool':
      // NaN isn't zero.
      return (value) => (value === 0 ? 0 : 1);
  }
}

export const cast: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  const to = elementOf(attribute(call, 'to')?.int() ?? 0);
  if (to === undefined) throw new NotUnderstood('converts to a type that is not supported');
  if (tensor.element === to) return tensor;
  if (tensor.element === 'string' || to === 'string') throw new NotUnderstood('converts from or to text');
  const convert = conversion(tensor.element, to);
  const features =
    convert === same ? tensor.features : tensor.features.map((feature) => mapFeature(feature, convert));
  return { element: to, dims: tensor.dims, features };
};
