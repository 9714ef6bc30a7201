/** How far an answer's explanations are from what they must equal. */
export interface Additivity {
  /** Of base + contributions from the output, relative where it is above 1. */
  readonly sum: number;
  /** Of the output from the score in the same answer; undefined where no score can be compared. */
  readonly score: number | undefined;
}

/** Of sums in an answer that passes. */
const TOLERANCE = 1e-6;
/** Of scores, which forests add up in float32. */
const SCORE_TOLERANCE = 1e-5;

interface Explanation {
  readonly class?: unknown;
  readonly base: number;
  readonly output: number;
  readonly contributions: Readonly<Record<string, number>>;
  readonly other?: number;
}
interface Answer {
  readonly predictions: readonly unknown[];
  readonly explanations: readonly (Explanation | readonly Explanation[])[];
  readonly space?: unknown;
  readonly probabilities?: readonly (readonly number[])[];
  readonly classes?: readonly unknown[];
}

const apart = (got: number, wanted: number): number => Math.abs(got - wanted) / Math.max(1, Math.abs(wanted));

const sumOf = ({ base, contributions, other = 0 }: Explanation): number =>
  Object.values(contributions).reduce((sum, value) => sum + value, base + other);

/** The score that a row's output stands for; undefined where the answer doesn't have it. */
function scoreOf(answer: Answer, row: number, { class: named }: Explanation): number | undefined {
  if (answer.space === 'value') return answer.predictions[row] as number;
  return answer.probabilities?.[row]?.[answer.classes?.indexOf(named) ?? -1];
}

/** The output in the space of scores; undefined where one output isn't enough. */
function inScores({ space, classes = [] }: Answer, { output }: Explanation): number | undefined {
  if (space !== 'margin') return output;
  return classes.length === 2 ? 1 / (1 + Math.exp(-output)) : undefined;
}

/** Compares all explanations of an answer; undefined for another form of answer. */
export function measureAdditivity(body: string): Additivity | undefined {
  let sum = 0;
  let score: number | undefined;
  try {
    const answer = JSON.parse(body) as Answer;
    if (answer.explanations.length !== answer.predictions.length) return undefined;
    answer.explanations.forEach((entry, row) => {
      for (const one of Array.isArray(entry) ? (entry as Explanation[]) : [entry as Explanation]) {
        sum = Math.max(sum, apart(sumOf(one), one.output));
        const [own, wanted] = [inScores(answer, one), scoreOf(answer, row, one)];
        if (own !== undefined && wanted !== undefined) score = Math.max(score ?? 0, apart(own, wanted));
      }
    });
  } catch {
    return undefined;
  }
  // NaN in, NaN out: no number was where one must be.
  return Number.isFinite(sum) && (score === undefined || Number.isFinite(score)) ? { sum, score } : undefined;
}

export const addsUp = ({ sum, score = 0 }: Additivity): boolean =>
  sum <= TOLERANCE && score <= SCORE_TOLERANCE;
