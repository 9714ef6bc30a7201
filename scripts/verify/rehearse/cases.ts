import { ADULT_COLUMNS, answerOf, bodyOf, readAdultRows } from '../../../server/testing/adultRows.ts';
import type { AdultRow } from '../../../server/testing/adultRows.ts';
import type { Case } from '../../../server/testing/load.ts';

/** The version that serves first, and its successor. */
const VERSIONS = [1, 2] as const;
const SAMPLE = 1500;
const KEPT = 400;

async function ask(url: string, version: number, rows: readonly AdultRow[]): Promise<string[]> {
  const response = await fetch(`${url}/models/adult/versions/${version}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ columns: ADULT_COLUMNS, data: rows.map(({ cells }) => cells) }),
  });
  const { predictions } = (await response.json()) as { predictions?: string[] };
  if (predictions?.length !== rows.length) throw new Error(`adult/${version} answered ${response.status}`);
  return predictions;
}

/**
 * Requests of one row with the right answer of either version: scikit-learn's for version 1, the server's before the load
 * for version 2. Rows on which they differ come first: there, an answer of the wrong version is noticed.
 */
export async function readCases(url: string): Promise<{ cases: Case[]; differing: number }> {
  const rows = readAdultRows().slice(0, SAMPLE);
  const [first, second] = (await Promise.all(VERSIONS.map((version) => ask(url, version, rows)))) as [
    string[],
    string[],
  ];
  const stray = rows.findIndex(({ label }, index) => first[index] !== label);
  if (stray >= 0)
    throw new Error(`the answer of adult/1 to row ${stray} of the test split is not that of scikit-learn`);
  const differs = rows.map((_, index) => first[index] !== second[index]);
  const order = [...rows.keys()].sort((a, b) => Number(differs[b]) - Number(differs[a]) || a - b);
  const cases = order.slice(0, KEPT).map((index) => {
    const row = rows[index] as AdultRow;
    const other = { ...row, label: second[index] as string };
    return { body: bodyOf([row]), answer: { 'adult/1': answerOf([row]), 'adult/2': answerOf([other]) } };
  });
  return { cases, differing: differs.filter(Boolean).length };
}
