import type { ElementType } from '../../worker/onnx/elementTypes.ts';
import type { AttributeSpec, NodeSpec, TensorSpec } from './buildModel.ts';

/** A tensor of a random graph. */
export interface Wire {
  readonly name: string;
  readonly element: ElementType;
  /** Without the rows. */
  readonly dims: readonly number[];
  /** Whether it may hold NaN. */
  readonly nan: boolean;
}

/** A graph that grows node by node, and the random choices of it. */
export interface RandomGraph {
  readonly nodes: NodeSpec[];
  readonly constants: Record<string, TensorSpec>;
  /** A random integer from 0 to below its argument. */
  readonly next: (below: number) => number;
  pick<T>(list: readonly T[]): T;
  some<T>(list: readonly T[], count: number): T[];
  /** A name that no other tensor has. */
  name(): string;
  /** Adds a constant. @returns its name */
  constant(element: ElementType, dims: readonly number[], values: readonly (number | string)[]): string;
  /** Adds a node with one output. */
  node(
    op: string,
    from: readonly string[],
    to: Omit<Wire, 'name'>,
    attributes?: Readonly<Record<string, AttributeSpec>>,
    domain?: string,
  ): Wire;
}

export function createRandomGraph(next: (below: number) => number): RandomGraph {
  const nodes: NodeSpec[] = [];
  const constants: Record<string, TensorSpec> = {};
  let names = 0;
  const name = (): string => `t${names++}`;
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
  return {
    nodes,
    constants,
    next,
    pick,
    some: (list, count) => Array.from({ length: count }, () => pick(list)),
    name,
    constant: (element, dims, values) => {
      const key = name();
      constants[key] = { element, dims, values };
      return key;
    },
    node: (op, from, to, attributes = {}, domain = '') => {
      const output = name();
      nodes.push({ op, domain, inputs: from, outputs: [output], attributes });
      return { ...to, name: output };
    },
  };
}
