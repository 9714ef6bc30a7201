import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fromHome } from '../platform/install.ts';

/** A row of the official test split, with scikit-learn's own answers. */
export interface AdultRow {
  readonly cells: readonly (string | number)[];
  /** The label that the split gives, without its full stop. */
  readonly truth: string;
  /** The label that scikit-learn predicts. */
  readonly label: string;
  /** The probability that scikit-learn gives to " >50K". */
  readonly probability: number;
}

const DATA = fromHome('models/adult/data');
const SIGNATURE = fromHome('models/adult/1/model.json');

const linesOf = (file: string): string[] =>
  gunzipSync(readFileSync(join(DATA, file)))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');

const signature = JSON.parse(readFileSync(SIGNATURE, 'utf8')) as {
  inputs: { name: string; type: 'string' | 'integer' }[];
};

/** The columns, in the order in which the split has them. */
export const ADULT_COLUMNS: readonly string[] = signature.inputs.map(({ name }) => name);

/** All rows of adult.test. Strings keep their leading space, as pandas' read_csv keeps it. */
export function readAdultRows(): AdultRow[] {
  // The first line of each file is no row: "|1x3 Cross validator", and the header.
  const rows = linesOf('adult.test.gz').slice(1);
  const answers = linesOf('predictions-1.csv.gz').slice(1);
  if (rows.length !== answers.length) throw new Error('the split and its predictions differ in length');
  return rows.map((line, index) => {
    const texts = line.split(',');
    const answer = answers[index] as string;
    const comma = answer.lastIndexOf(',');
    return {
      cells: signature.inputs.map(({ type }, column) =>
        type === 'integer' ? Number(texts[column]) : (texts[column] as string),
      ),
      truth: (texts[signature.inputs.length] as string).replace(/\.$/, ''),
      label: answer.slice(0, comma),
      probability: Number(answer.slice(comma + 1)),
    };
  });
}

/** The body of a request for some rows. */
export const bodyOf = (rows: readonly AdultRow[]): string =>
  JSON.stringify({ columns: ADULT_COLUMNS, data: rows.map(({ cells }) => cells) });

/** The whole answer that these rows must get. */
export const answerOf = (rows: readonly AdultRow[]): string =>
  JSON.stringify({ predictions: rows.map(({ label }) => label) });
