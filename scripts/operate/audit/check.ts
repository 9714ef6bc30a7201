import { canonicalText, sha256Of } from '../../../server/observers/predictionLog/canonical.ts';
import type { PredictionRecord, RecordedOutput } from '../../../server/observers/predictionLog/record.ts';
import type { Label } from '../../../worker/protocol.ts';
import { PROBABILITY_TOLERANCE, VALUE_TOLERANCE } from '../../../worker/compare.ts';
import type { Cells, Version } from './scorer.ts';

/** What became of a record. */
export type Verdict =
  | { readonly status: 'same' | 'unknownDigest' | 'notCheckable' }
  | {
      readonly status: 'different';
      readonly reason: string;
      /** The answer that its input gets now, if it gets one. */
      readonly present: RecordedOutput | null;
    };

const close = (logged: number | null, present: number | null, tolerance: number): boolean =>
  logged === null || present === null ? logged === present : Math.abs(logged - present) <= tolerance;

type SeveralOutput = Extract<RecordedOutput, { values: unknown }>;

function sameValues(logged: SeveralOutput, present: SeveralOutput): boolean {
  const near = (a: number | null, b: number | null): boolean =>
    close(a, b, VALUE_TOLERANCE * Math.max(1, Math.abs(a ?? 0)));
  const same = (a: Label | null | undefined, b: Label | null | undefined): boolean =>
    typeof a === 'number' && typeof b === 'number' ? near(a, b) : a === b;
  const names = Object.keys(logged.values);
  const [scores, others] = [logged.scores ?? [], present.scores ?? []];
  return (
    names.length === Object.keys(present.values).length &&
    names.every((name) => same(logged.values[name], present.values[name])) &&
    scores.length === others.length &&
    scores.every((score, k) => near(score, others[k] ?? null))
  );
}

/** Whether two answers are one, up to sums in another order. */
function sameOutput(logged: RecordedOutput, present: RecordedOutput): boolean {
  if ('value' in logged || 'value' in present) {
    if (!('value' in logged && 'value' in present)) return false;
    return close(logged.value, present.value, VALUE_TOLERANCE * Math.max(1, Math.abs(logged.value ?? 0)));
  }
  if ('values' in logged || 'values' in present)
    return 'values' in logged && 'values' in present && sameValues(logged, present);
  const names = Object.keys(present.probabilities);
  if (names.length !== Object.keys(logged.probabilities).length) return false;
  const of = ({ probabilities }: typeof logged, name: Label) => probabilities[String(name)] ?? null;
  if (!names.every((name) => close(of(logged, name), of(present, name), PROBABILITY_TOLERANCE))) return false;
  // Two classes that are as likely may change places.
  const tie = close(of(present, logged.label), of(present, present.label), 2 * PROBABILITY_TOLERANCE);
  return logged.label === present.label || (tie && of(present, logged.label) !== null);
}

/** Finds the input of which a record has only the hash. */
export type LookUp = (inputSha256: string) => Cells | undefined;

/** The verdicts on records of one version, in their order. @throws {Failure} */
export async function check(
  records: readonly PredictionRecord[],
  version: Version | undefined,
  lookUp: LookUp,
): Promise<Verdict[]> {
  if (!version) return records.map(() => ({ status: 'unknownDigest' }));
  const inputs = records.map(
    ({ input, inputSha256 }) => input ?? (inputSha256 === undefined ? undefined : lookUp(inputSha256)),
  );
  const present = await version.score(inputs.filter((input) => input !== undefined));
  let next = 0;
  return records.map(({ input, inputSha256, output }, at): Verdict => {
    if (!inputs[at]) return { status: 'notCheckable' };
    const answer = present[next++];
    const different = (reason: string): Verdict => ({ status: 'different', reason, present: answer ?? null });
    if (input && inputSha256 !== undefined && sha256Of(canonicalText(input)) !== inputSha256)
      return different('the input is not the one that its hash was made of');
    if (!answer) return different('the model refuses the input');
    return sameOutput(output, answer) ? { status: 'same' } : different('another answer');
  });
}
