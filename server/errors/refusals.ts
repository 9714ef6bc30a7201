/**
 * Why something of a request is refused: a closed set, as metrics have it.
 *
 * - `type`: a cell of another type, or no value of its datatype
 * - `missing`: null, or nothing, where the column takes no missing value
 * - `fraction`, `range`: in an integer column; beyond what the column can hold
 * - `row`: not the form or the width of a row
 * - `missing_column`, `unknown_column`, `repeated_column`: of the names that the request has
 */
export type Reason =
  'type' | 'missing' | 'fraction' | 'range' | 'row' | 'missing_column' | 'unknown_column' | 'repeated_column';

/** Why a cell or a row is refused. */
export interface Fault {
  readonly reason: Reason;
  /** Completes "row 3, column age: …". Never holds the cell's value. */
  readonly message: string;
}

/** How often a request was refused for one reason. */
export interface Refusal {
  readonly reason: Reason;
  /** A name of the signature; empty where it's about none. */
  readonly column: string;
  readonly count: number;
}

/** Counts all that is refused, also what is beyond the listed ones. */
export interface RefusalCounts {
  add(reason: Reason, column?: string, count?: number): void;
  all(): readonly Refusal[];
}

export function createRefusalCounts(): RefusalCounts {
  const counts = new Map<Reason, Map<string, number>>();
  return {
    add: (reason, column = '', count = 1) => {
      let columns = counts.get(reason);
      if (!columns) counts.set(reason, (columns = new Map<string, number>()));
      columns.set(column, (columns.get(column) ?? 0) + count);
    },
    all: () =>
      [...counts].flatMap(([reason, columns]) =>
        [...columns].map(([column, count]) => ({ reason, column, count })),
      ),
  };
}
