import type { Cell } from './results.ts';
import type { SubjectName } from './subjects/subject.ts';

/** How much a run measures. */
export interface Plan {
  readonly subjects: readonly SubjectName[];
  readonly cells: readonly Cell[];
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
}

const ROWS = [1, 10, 100, 1000, 10_000] as const;
const CONNECTIONS = [1, 16, 64, 512] as const;

/** The cells of most bounds. */
const MAIN: readonly Cell[] = [1, 64, 512].map((connections) => ({ rows: 1, connections }));

/** Enough to keep two processes busy with large bodies: further connections would only wait. */
function usualConnections(rows: number): readonly number[] {
  if (rows === 1) return CONNECTIONS;
  if (rows <= 100) return [64];
  return rows <= 1000 ? [16] : [4];
}

/** Every given size of body with every given number of connections; the usual ones where none are given. */
export function planCells(options: {
  readonly rows?: readonly number[] | undefined;
  readonly connections?: readonly number[] | undefined;
  readonly quick: boolean;
}): Cell[] {
  const { rows, connections, quick } = options;
  if (quick && !rows && !connections) return [...MAIN];
  const sizes = rows ?? (connections ? [1] : ROWS);
  return sizes.flatMap((size) =>
    (connections ?? usualConnections(size)).map((count) => ({ rows: size, connections: count })),
  );
}
