import type { OutputFeed, SeveralFeed } from '../../../worker/protocol.ts';
import { answerWidth } from '../../../worker/protocol.ts';

/** The difference of two versions' answers to one row. */
export interface RowDifference {
  /** Another label. Always false for values. */
  readonly flipped: boolean;
  /** Largest difference of a class's probability, or the difference of the values; NaN if the classes differ. */
  readonly score: number;
}

/** Compares row `row` of answers of one version with those of another. */
export type CompareRow = (answers: Float64Array, others: Float64Array, row: number) => RowDifference;

/** Values are matched by their place; undefined if the two have others. */
function compareSeveral(output: SeveralFeed, other: SeveralFeed): CompareRow | undefined {
  const names = ({ values }: SeveralFeed): string =>
    JSON.stringify(values.map(({ name, classes }) => [name, classes !== undefined]));
  const width = answerWidth(output);
  if (names(output) !== names(other) || width !== answerWidth(other)) return undefined;
  const labels = ({ values }: SeveralFeed) => values.map(({ classes }) => classes?.map(String));
  const [own, others] = [labels(output), labels(other)];
  return (answers, otherAnswers, row) => {
    let [flipped, score] = [false, 0];
    for (let k = 0; k < width; k++) {
      const a = answers[row * width + k] as number;
      const b = otherAnswers[row * width + k] as number;
      if (own[k]) flipped ||= own[k]?.[a] !== others[k]?.[b];
      else score = Math.max(score, Math.abs(a - b));
    }
    return { flipped, score };
  };
}

/**
 * Prepares the comparison of two versions. Their classes are matched by name, whatever their order.
 *
 * @returns undefined if one predicts labels and the other values
 */
export function createComparison(output: OutputFeed, other: OutputFeed): CompareRow | undefined {
  if (output.task === 'several' || other.task === 'several')
    return output.task === 'several' && other.task === 'several' ? compareSeveral(output, other) : undefined;
  if (output.task !== other.task) return undefined;
  if (output.task === 'regression' || other.task === 'regression') {
    return (answers, others, row) => ({
      flipped: false,
      score: Math.abs((answers[row] as number) - (others[row] as number)),
    });
  }
  const names = output.classes.map(String);
  const otherNames = other.classes.map(String);
  const places = names.map((name) => otherNames.indexOf(name));
  const sameClasses = names.length === otherNames.length && !places.includes(-1);
  const width = answerWidth(output);
  const otherWidth = answerWidth(other);
  return (answers, others, row) => {
    const at = row * width;
    const otherAt = row * otherWidth;
    const flipped = names[answers[at] as number] !== otherNames[others[otherAt] as number];
    if (!sameClasses) return { flipped, score: NaN };
    let score = 0;
    for (let k = 0; k < names.length; k++) {
      const p = answers[at + 1 + k] as number;
      const q = others[otherAt + 1 + (places[k] as number)] as number;
      score = Math.max(score, Math.abs(p - q));
    }
    return { flipped, score };
  };
}
