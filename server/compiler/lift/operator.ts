import type { Attribute } from '../../../worker/onnx/attribute.ts';
import type { ElementType } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxNode } from '../../../worker/onnx/node.ts';
import type { Constant } from '../../../worker/onnx/tensor.ts';
import type { Feature, SymbolicTensor } from './symbolic.ts';
import { NotUnderstood } from './symbolic.ts';

/** An input of a node: columns that depend on the row, or a constant of the graph. */
export type Argument =
  | { readonly kind: 'columns'; readonly tensor: SymbolicTensor }
  | { readonly kind: 'constant'; readonly constant: () => Constant };

/** A node and its inputs, as an operator gets them. */
export interface Call {
  readonly node: OnnxNode;
  /** undefined where an optional input isn't given. */
  readonly inputs: readonly (Argument | undefined)[];
  /** Version of the operator set that the node's operator belongs to. */
  readonly opset: number;
  /** Whether a feature may be NaN because its cell may be missing. */
  readonly maybeMissing: (feature: Feature) => boolean;
}

/**
 * Computes a node's outputs from columns: one tensor, or one for each output.
 *
 * @throws {NotUnderstood} for a case that isn't supported
 */
export type Operator = (call: Call) => SymbolicTensor | readonly SymbolicTensor[];

export const attribute = ({ node }: Call, name: string): Attribute | undefined => node.attributes.get(name);

/** The columns at an input. */
export function columnsAt({ inputs }: Call, index: number): SymbolicTensor {
  const input = inputs[index];
  if (input?.kind !== 'columns') throw new NotUnderstood('has a constant where columns are expected');
  return input.tensor;
}

/** The constant at an input. */
export function constantAt({ inputs }: Call, index: number): Constant {
  const input = inputs[index];
  if (input?.kind !== 'constant') throw new NotUnderstood('depends on another column');
  return input.constant();
}

/** The numbers of a constant. */
export function numbersAt(call: Call, index: number): readonly number[] {
  const { element, values } = constantAt(call, index);
  if (element === 'string') throw new NotUnderstood('has texts where numbers are expected');
  return values as readonly number[];
}

/** @throws {NotUnderstood} unless the columns are of one of these types */
export function expectElement({ element }: SymbolicTensor, ...allowed: readonly ElementType[]): void {
  if (!allowed.includes(element)) throw new NotUnderstood(`takes columns of type ${element}`);
}

/** An axis of the whole tensor as an index into `dims`: the rows themselves, axis 0, are out of reach. */
export function axisOf({ dims }: SymbolicTensor, axis: number): number {
  const rank = dims.length + 1;
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 1 || positive >= rank) throw new NotUnderstood('mixes rows');
  return positive - 1;
}

/** One of as many numbers as there are features, or of a single one for all. */
export function perFeature(numbers: ArrayLike<number>, { dims }: SymbolicTensor): (index: number) => number {
  // For ONNX Runtime's ML operators the second dimension is the number of features.
  if (dims.length !== 1) throw new NotUnderstood('takes a tensor that is no matrix');
  if (numbers.length !== 1 && numbers.length !== dims[0]) {
    throw new NotUnderstood('has another number of parameters than features');
  }
  return (index) => numbers[numbers.length === 1 ? 0 : index] as number;
}
