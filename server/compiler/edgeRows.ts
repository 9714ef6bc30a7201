import type { Input, Signature } from '../model/signature.ts';
import { isHeld, largestNumber, nearestHeld } from '../model/tensorLimits.ts';
import type { CompiledForest } from '../../worker/forest/compileForest.ts';
import { LANES } from '../../worker/forest/packTrees.ts';
import type { Lifting } from './lift/lift.ts';
import { evaluate } from './lift/symbolic.ts';

/** A row as a client would send it, in the signature's order. */
export type EdgeRow = readonly (string | number | boolean | null)[];
type Cell = EdgeRow[number];

/** Rows in total, and edge cells of one column; of more categories a sample is taken. */
const MAX_ROWS = 600;
const MAX_CELLS = 300;
/** Thresholds of the forest whose neighbours are tried, for each column. */
const MAX_THRESHOLDS = 8;
/** Nodes among which thresholds are looked for. */
const MAX_NODES = 100_000;

/** A sample, evenly spread, with the first item and the last. */
function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from(
    { length: most },
    (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))] as T,
  );
}

/** Unknown texts, categories with a space added or removed, and the categories. */
function textCells({ categories = [], closed = false }: Input): Cell[] {
  if (closed) return [...spread(categories, MAX_CELLS)];
  const [first = 'a'] = categories;
  const spaced = categories.find((category) => category.trim() !== category);
  const changed = spaced === undefined ? `${first} ` : spaced.trim();
  const unknown = [
    '',
    ' ',
    'no such category',
    changed,
    first.toUpperCase(),
    'nan',
    'None',
    '0',
    'Größe 学士 🙂',
  ];
  return [...unknown, ...spread(categories, MAX_CELLS)];
}

/** Whether a number is a cell that the column takes. */
const isTaken = ({ type, tensor }: Input, cell: number): boolean =>
  type === 'integer'
    ? Number.isSafeInteger(cell) && isHeld(tensor, cell)
    : Math.abs(cell) <= largestNumber(tensor);

function numberCells(input: Input): Cell[] {
  const { type, range, tensor } = input;
  const [min, max] = range ?? [0, 100];
  const width = Math.max(1, max - min);
  const whole = [
    min,
    max,
    Math.round((min + max) / 2),
    min - 1,
    max + 1,
    min - 1000 * width,
    max + 1000 * width,
  ];
  const cells = [...whole, 0, 1, -1, 2 ** 24 + 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1];
  // Large ones that a float32 tensor holds, too.
  const held = [2 ** 53 - 2 ** 29, -(2 ** 53) + 2 ** 29];
  if (type === 'integer') return [...cells, ...held].filter((cell) => isTaken(input, cell));
  const fractions = [0.5, -0.5, 0.1, 1 / 3, 2.7, -0, min + width * 0.37, min + width * 0.73];
  const largest = largestNumber(tensor);
  const far = [1e-45, 1e12, 2 ** 63, -(2 ** 63), 1e20, largest, -largest];
  return [...cells, ...fractions, ...far].filter((cell) => isTaken(input, cell));
}

/** The float32 values around a number. */
function neighbours(value: number): number[] {
  const bits = new Int32Array(1);
  const floats = new Float32Array(bits.buffer);
  floats[0] = value;
  const [middle] = bits;
  return [-1, 0, 1].map((step) => {
    bits[0] = (middle as number) + step;
    return floats[0] as number;
  });
}

/** By feature, the thresholds that are tried: of a large forest those of some nodes, evenly spread. */
function thresholdsOf(forest: CompiledForest | undefined): (feature: number) => readonly number[] {
  if (!forest) return () => [];
  const { nodes, columns, shift } = forest;
  const thresholds = new Float32Array(nodes.buffer, nodes.byteOffset, nodes.length);
  const found = new Map<number, Set<number>>();
  const step = 1 + Math.floor(nodes.length / 2 / MAX_NODES);
  for (let slot = 0; slot < nodes.length / 2; slot += step) {
    const column = ((nodes[2 * slot + 1] as number) >>> shift) / LANES;
    // A leaf.
    if (column === 0) continue;
    const feature = (columns[column - 1] as number) >> 1;
    const known = found.get(feature);
    if (known === undefined) found.set(feature, new Set([thresholds[2 * slot] as number]));
    else known.add(thresholds[2 * slot] as number);
  }
  return (feature) =>
    spread(
      [...(found.get(feature) ?? [])].sort((a, b) => a - b),
      MAX_THRESHOLDS,
    );
}

type Thresholds = ReturnType<typeof thresholdsOf>;

/** Cells at thresholds of a forest, where the column reaches the trees unchanged. */
function thresholdCells(
  lifting: Lifting | undefined,
  input: Input,
  source: number,
  thresholds: Thresholds,
): Cell[] {
  if (lifting?.lifted !== true) return [];
  const position = lifting.matrix.features.findIndex(
    (feature) => feature.source === source && [0, 1, 1234].every((cell) => evaluate(feature, cell) === cell),
  );
  const cells = thresholds(position).flatMap((value) =>
    input.type === 'integer' ? [Math.floor(value), Math.ceil(value)] : neighbours(value),
  );
  return cells.filter((cell) => isTaken(input, cell));
}

function edgeCells(
  input: Input,
  source: number,
  lifting: Lifting | undefined,
  thresholds: Thresholds,
): readonly Cell[] {
  const missing: Cell[] = input.nullable ? [null] : [];
  switch (input.type) {
    case 'string':
      return [...missing, ...textCells(input)];
    case 'boolean':
      return [...missing, false, true];
    default:
      return [
        ...missing,
        ...new Set([...numberCells(input), ...thresholdCells(lifting, input, source, thresholds)]),
      ];
  }
}

/** A common value of a column, for the cells around the one edge cell of a row. */
function usualCell({ type, categories, range, tensor }: Input, row: number): Cell {
  if (type === 'string') return categories?.[row % Math.max(1, categories.length)] ?? 'a';
  if (type === 'boolean') return row % 2 === 0;
  const [min, max] = range ?? [0, 100];
  const between = min + ((max - min) * ((row * 7) % 11)) / 10;
  if (type !== 'integer') return between;
  return nearestHeld(tensor, Math.round(between));
}

/**
 * Makes at most 600 rows of values that training may never have seen: every category (a sample of many), unknown and
 * missing values, the ends of each range and values far outside, thresholds of the forest. Always the same rows. First
 * rows of edge cells only; then rows with one edge cell, since an extreme can hide the effect of another column.
 */
export function edgeRows(
  { inputs }: Pick<Signature, 'inputs'>,
  lifting?: Lifting,
  forest?: CompiledForest,
): EdgeRow[] {
  const thresholds = thresholdsOf(forest);
  const edges = inputs.map((input, source) => edgeCells(input, source, lifting, thresholds));
  const longest = Math.max(0, ...edges.map(({ length }) => length));
  const rows: Cell[][] = Array.from({ length: longest }, (_, row) =>
    // Each column starts at another edge, so that the combinations vary.
    edges.map((cells, column) => cells[(row + 3 * column) % cells.length] as Cell),
  );
  const singles = edges.flatMap((cells, column) => cells.map((cell) => ({ column, cell })));
  spread(singles, MAX_ROWS - rows.length).forEach(({ column, cell }, row) => {
    rows.push(inputs.map((input, index) => (index === column ? cell : usualCell(input, row + 5 * index))));
  });
  return rows;
}
