import { cutName } from '../../encoding/columns.ts';
import type { Fault } from '../../errors/refusals.ts';
import { createRefusalCounts } from '../../errors/refusals.ts';
import type { CellError } from '../../errors/problem.ts';
import { MAX_LISTED, Problem } from '../../errors/problem.ts';

/** Collects the faults of cells that are found before the encoder sees the rows. */
export interface CellFaults {
  /** @param known whether the column is one of the signature's */
  add(row: number, column: string, known: boolean, fault: Fault): void;
  /** @throws {Problem} invalid_rows if there was any */
  check(): void;
}

export function createCellFaults(): CellFaults {
  const errors: CellError[] = [];
  const refusals = createRefusalCounts();
  let errorsTotal = 0;
  return {
    add: (row, column, known, { reason, message }) => {
      refusals.add(reason, known ? column : '');
      if (errorsTotal++ < MAX_LISTED) errors.push({ row, column: cutName(column), message });
    },
    check: () => {
      if (errorsTotal > 0)
        throw new Problem('invalid_rows', { errors, errorsTotal, refusals: refusals.all() });
    },
  };
}
