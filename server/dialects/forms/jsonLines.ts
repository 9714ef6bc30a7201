import type { Fault } from '../../errors/refusals.ts';
import { Problem } from '../../errors/problem.ts';
import type { Table, UnreadRow } from '../../model/rows.ts';
import type { Input } from '../../model/signature.ts';
import { readInstances } from './instances.ts';
import { parseJson } from './json.ts';
import { findJsonFault, placeOf } from './jsonFault.ts';

const NO_JSON = 'the line is not valid JSON';

function explainLine(line: string): Fault {
  const found = findJsonFault(line);
  if (found === undefined) return { reason: 'row', message: NO_JSON };
  const { column } = placeOf(line, found.at);
  return { reason: 'row', message: `${NO_JSON} at column ${column}: ${found.reason}` };
}

/** The line of a text, with as many empty lines before it: so that an error names the place in the whole text. */
const atLine = (line: string, number: number): string => '\n'.repeat(number) + line;

/** @throws {Problem} invalid_json for a text whose lines are JSON only together */
function refuseDocument(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    return;
  }
  throw new Problem('invalid_json', {
    detail:
      'The lines are JSON only together: send the body as application/json, or write each row on one line.',
  });
}

/**
 * Reads JSON Lines (https://jsonlines.org): a row a line, each as an element of `instances`. Blank lines are skipped.
 *
 * @param skipBadRows whether a line that is no JSON is left to the encoder, which refuses it as any other invalid row
 * @throws {Problem} invalid_json or invalid_body
 */
export function readJsonLines(text: string, inputs: readonly Input[], skipBadRows = false): Table {
  const rows: unknown[] = [];
  const lines: number[] = [];
  for (const [number, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      rows.push(JSON.parse(line));
    } catch {
      if (rows.length === 0) refuseDocument(text);
      const unread: UnreadRow = () => explainLine(line);
      rows.push(skipBadRows ? unread : parseJson(atLine(line, number)));
    }
    lines.push(number + 1);
  }
  // Without a line it is an empty text, which is no JSON.
  if (rows.length === 0) parseJson('');
  return { ...readInstances(rows, inputs), lines };
}
