import type { Table } from '../../model/rows.ts';
import type { Input } from '../../model/signature.ts';
import { readInstances } from './instances.ts';
import { parseJson } from './json.ts';

/** The line of a text, with as many empty lines before it: so that an error names the place in the whole text. */
const atLine = (line: string, number: number): string => '\n'.repeat(number) + line;

/**
 * Reads JSON Lines (https://jsonlines.org): a row a line, each as an element of `instances`. Blank lines are skipped.
 *
 * @throws {Problem} invalid_json or invalid_body
 */
export function readJsonLines(text: string, inputs: readonly Input[]): Table {
  const rows: unknown[] = [];
  const lines: number[] = [];
  for (const [number, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      rows.push(JSON.parse(line));
    } catch {
      rows.push(parseJson(atLine(line, number)));
    }
    lines.push(number + 1);
  }
  // Without a line it is an empty text, which is no JSON.
  if (rows.length === 0) parseJson('');
  return { ...readInstances(rows, inputs), lines };
}
