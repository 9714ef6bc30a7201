import type { Cell } from './results.ts';

export const ROWS = [1, 10, 100, 1000, 10_000] as const;
export const CONNECTIONS = [1, 16, 64, 512] as const;

/** The cells that most bounds are about. */
const MAIN: readonly Cell[] = [1, 64, 512].map((connections) => ({ rows: 1, connections }));

/** A connection more would only wait: so many large bodies already keep two processes busy. */
function usualConnections(rows: number): readonly number[] {
  if (rows === 1) return CONNECTIONS;
  if (rows <= 100) return [64];
  return rows <= 1000 ? [16] : [4];
}

/**
 * The cells of a run: every given size of body with every given number of connections; for what isn't given, the
 * usual ones.
 */
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
