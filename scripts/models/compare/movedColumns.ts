import { classTexts } from '../../../server/model/labels.ts';
import { Failure } from '../../cli/faults.ts';
import type { OpenExplanation } from '../openExplanation.ts';
import type { FileRows } from '../readRows.ts';

/** Changed rows that are explained: each may take some milliseconds. */
export const MAX_EXPLAINED = 500;
const MAX_SHOWN = 10;

/** What a column moved, over the changed rows that were explained. */
interface MovedColumn {
  readonly column: string;
  /** Sum of the sizes by which its contribution differs. */
  readonly size: number;
  /** Mean of the differences, the second version's less the first one's. */
  readonly mean: number;
}

/** Which columns moved changed answers. */
export interface Moved {
  readonly rows: number;
  readonly space: string;
  /** Of the bases. */
  readonly base: number;
  /** Those that moved most, in the order of their size. */
  readonly columns: readonly MovedColumn[];
}

/** For each row the label of the second version's answer, as the model numbers its classes. */
function labelsOf({ model: { output, id } }: OpenExplanation, answers: readonly unknown[]): number[] {
  if (output.task !== 'classification') return answers.map(() => 0);
  const texts = classTexts(output);
  return answers.map((answer) => {
    const found = texts.indexOf(String(answer));
    if (found < 0)
      throw new Failure(`${id} has no class ${JSON.stringify(answer)}: columns can't be compared`);
    return found;
  });
}

/**
 * Compares the contributions to the second version's answer, row by row.
 *
 * @param rows the changed ones, those that differ most first
 * @param answers of the second version
 * @throws {Failure} when the two aren't explained in the same space
 */
export function findMoved(
  [first, second]: readonly [OpenExplanation, OpenExplanation],
  { columns, data }: FileRows,
  answers: readonly unknown[],
): Moved {
  const { space } = first;
  if (space !== second.space)
    throw new Failure(
      `contributions can't be compared: ${first.model.id} is explained in the space ${space}, ${second.model.id} in ${second.space}`,
    );
  const rows = { columns, data: data.slice(0, MAX_EXPLAINED) };
  const explained = [first, second].map((one) => ({
    names: one.model.signature.inputs.map(({ name }) => name),
    found: one.explain(rows, labelsOf(one, answers.slice(0, MAX_EXPLAINED))),
  }));
  const sums = new Map<string, { size: number; total: number }>();
  let base = 0;
  rows.data.forEach((_, row) => {
    const changes = new Map<string, number>();
    explained.forEach(({ names, found }, version) => {
      const { values, base: own } = found[row] as (typeof found)[number];
      const sign = version === 0 ? -1 : 1;
      base += sign * own;
      names.forEach((name, at) =>
        changes.set(name, (changes.get(name) ?? 0) + sign * (values[at] as number)),
      );
    });
    for (const [name, change] of changes) {
      const { size, total } = sums.get(name) ?? { size: 0, total: 0 };
      sums.set(name, { size: size + Math.abs(change), total: total + change });
    }
  });
  const count = Math.max(1, rows.data.length);
  return {
    rows: rows.data.length,
    space,
    base: base / count,
    columns: [...sums]
      .map(([column, { size, total }]) => ({ column, size, mean: total / count }))
      .sort((a, b) => b.size - a.size)
      .slice(0, MAX_SHOWN),
  };
}
