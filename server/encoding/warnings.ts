import type { TextCell } from '../../worker/protocol.ts';
import { MAX_LISTED } from '../errors/problem.ts';
import type { EncodedRows, Warning } from '../model/rows.ts';
import type { Input } from '../model/signature.ts';

interface Warnings {
  readonly warnings: readonly Warning[];
  readonly warningsTotal: number;
}

const NONE: Warnings = { warnings: [], warningsTotal: 0 };

/** Warns of texts outside their column's categories; a column without categories takes any text. */
export type Warn = (texts: readonly TextCell[]) => Warnings;

export function createWarner(inputs: readonly Input[]): Warn {
  const trimmed = inputs.map(({ categories }) => new Map(categories?.map((name) => [name.trim(), name])));
  const message = ({ column, text }: TextCell): string => {
    const near = trimmed[column]?.get(text.trim());
    return near === undefined
      ? 'unknown category'
      : `unknown category: did you mean ${JSON.stringify(near)}?`;
  };
  return (texts) => {
    if (texts.length === 0) return NONE;
    const unknown = texts.filter(({ column }) => inputs[column]?.categories !== undefined);
    const warnings = unknown.slice(0, MAX_LISTED).map((cell) => ({
      row: cell.row,
      column: (inputs[cell.column] as Input).name,
      code: 'unknown_category' as const,
      message: message(cell),
    }));
    return { warnings, warningsTotal: unknown.length };
  };
}

/** Adds the warnings about the whole table. */
export const withWarnings = (rows: EncodedRows, warnings: readonly Warning[]): EncodedRows => ({
  ...rows,
  warnings: [...warnings, ...rows.warnings].slice(0, MAX_LISTED),
  warningsTotal: rows.warningsTotal + warnings.length,
});

/** Renumbers the rows of warnings from the matrix to the body, given the rows that were left out, in order. */
export function placeWarnings(warnings: readonly Warning[], leftOut: readonly number[]): Warning[] {
  let before = 0;
  return warnings.map((warning) => {
    while (before < leftOut.length && (leftOut[before] as number) <= warning.row + before) before++;
    return { ...warning, row: warning.row + before };
  });
}
