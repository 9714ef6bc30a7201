/**
 * Why a part of a request is refused: a closed set, since it labels a metric.
 *
 * - `type`: a cell of another type, or no value of its datatype
 * - `missing`: null or absent, in a column that isn't nullable
 * - `fraction`, `range`: in an integer column; outside the range of the column
 * - `row`: not the form or the width of a row
 * - `model`: values on which the model itself fails
 * - `missing_column`, `unknown_column`, `repeated_column`: names of columns in the request
 */
export type Reason =
  | 'type'
  | 'missing'
  | 'fraction'
  | 'range'
  | 'row'
  | 'model'
  | 'missing_column'
  | 'unknown_column'
  | 'repeated_column';

/** Why a cell or a row is refused. */
export interface Fault {
  readonly reason: Reason;
  /** Completes "row 3, column age: …". Never holds the cell's value. */
  readonly message: string;
}

/** How often a request was refused for one reason. */
export interface Refusal {
  readonly reason: Reason;
  /** A name of the signature; empty if it concerns none. */
  readonly column: string;
  readonly count: number;
}

/** Counts all refusals, also those that an answer doesn't list. */
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
