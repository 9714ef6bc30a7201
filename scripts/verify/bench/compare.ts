import { readFile } from 'node:fs/promises';
import { Failure } from '../../cli/faults.ts';
import type { CellResult, Results } from './results.ts';
import { SCHEMA, samplesOf } from './results.ts';
import { spread } from './statistics.ts';
import { renderTable } from '../../cli/table.ts';
import { MEASURES } from './parts/rounds.ts';

/**
 * Reads an earlier run.
 *
 * @throws {Failure} when it isn't one
 */
export async function readResults(path: string): Promise<Results> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${path} cannot be read (${error.code ?? error.message})`);
  });
  const results = parse(text);
  if (results?.schema !== SCHEMA || !Array.isArray(results.cells)) {
    throw new Failure(`${path} is no result of this version of the bench`);
  }
  return results as Results;
}

function parse(text: string): Partial<Results> | undefined {
  try {
    return JSON.parse(text) as Partial<Results>;
  } catch {
    return undefined;
  }
}

/** Change of the median in per cent; in brackets when the rounds of both runs overlap, since it may be noise. */
function change(before: readonly number[], now: readonly number[]): string {
  const [old, current] = [spread(before), spread(now)];
  const percent = (current.median / old.median - 1) * 100;
  const text = `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;
  return current.min <= old.max && current.max >= old.min ? `(${text})` : text;
}

/** Every cell that both runs have, in per cent. */
export function comparisonTable(before: Results, now: Results): string {
  const both = now.cells.flatMap((cell): [CellResult, CellResult['samples']][] => {
    const samples = samplesOf(before, cell.subject, cell);
    return samples.length > 0 ? [[cell, samples]] : [];
  });
  const rows = both.map(([cell, samples]) => [
    String(cell.rows),
    String(cell.connections),
    cell.subject,
    ...MEASURES.map(([, value]) => change(samples.map(value), cell.samples.map(value))),
  ]);
  return renderTable(['rows', 'connections', 'subject', ...MEASURES.map(([title]) => title)], rows, 3);
}
