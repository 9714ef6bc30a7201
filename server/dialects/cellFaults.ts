import type { CellError } from '../errors.ts';
import { MAX_LISTED, Problem } from '../errors.ts';

/** Gathers what is wrong with the rows of a body before they reach the encoder. */
export interface CellFaults {
  add(error: CellError): void;
  /** @throws {Problem} invalid_rows if there was any */
  check(): void;
}

export function createCellFaults(): CellFaults {
  const errors: CellError[] = [];
  let errorsTotal = 0;
  return {
    add: (error) => {
      if (errorsTotal++ < MAX_LISTED) errors.push(error);
    },
    check: () => {
      if (errorsTotal > 0) throw new Problem('invalid_rows', { errors, errorsTotal });
    },
  };
}
