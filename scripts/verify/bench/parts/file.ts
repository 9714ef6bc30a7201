import { renderTable } from '../../../cli/table.ts';
import { measure, target } from '../measure.ts';
import type { Part } from '../part.ts';
import type { Sample } from '../results.ts';
import type { Table } from '../rows.ts';
import { tablesOf } from '../rows.ts';
import { spread, spreadOf, spreadText } from '../statistics.ts';
import type { Subject } from '../subjects/subject.ts';
import { PROCESSES } from '../subjects/subject.ts';
import { count } from '../text.ts';
import { writeFileLoad } from '../wrk.ts';

const FILE = { rows: 100_000, connections: PROCESSES } as const;
const BODIES = { rows: 1000, connections: 16 } as const;
/** A short measurement would count few files. */
const LEAST_SECONDS = 5;

interface FileResult {
  readonly file: readonly Sample[];
  readonly bodies: readonly Sample[];
}

/** The table as a CSV file. Its cells need no quotes. */
const toCsv = ({ columns, data }: Table): string =>
  [columns, ...data].map((cells) => `${cells.join(',')}\n`).join('');

const rowsPerSecond = ({ requestsPerSecond }: Sample, rows: number): number => requestsPerSecond * rows;

/** Rows of a CSV file against the same rows as JSON bodies. */
export const file: Part<FileResult> = {
  name: 'file',
  field: 'file',
  needs: () => ({ subjects: ['server'], rows: [BODIES.rows] }),
  steps: ({ plan }) => 2 * (plan.rounds + 1),
  run: async ({ context, plan, loads, subjects, table }, progress) => {
    const server = subjects.find(({ name }) => name === 'server') as Subject;
    const upload: Subject = { ...server, path: '/predict_file' };
    const csv = await writeFileLoad(context, toCsv(tablesOf(table, FILE.rows)[0] as Table), 'text/csv');
    const json = await loads(server, BODIES.rows);
    const seconds = Math.max(LEAST_SECONDS, plan.seconds);
    const result = { file: [] as Sample[], bodies: [] as Sample[] };
    // The first round warms up.
    for (let round = 0; round <= plan.rounds; round++) {
      for (const kind of ['file', 'bodies'] as const) {
        const [subject, cell, script] = kind === 'file' ? [upload, FILE, csv] : [server, BODIES, json];
        progress.step(`file, round ${round} of ${plan.rounds}: ${target(subject, cell).name}`);
        const sample = await measure(context, subject, { cell, script, seconds, round });
        if (round > 0) result[kind].push(sample);
      }
    }
    return result;
  },
  table: (result) => {
    const line = (what: string, samples: readonly Sample[], rows: number): string[] => [
      what,
      spreadText(spread(samples.map((sample) => rowsPerSecond(sample, rows)))),
      spreadText(spread(samples.map(({ cpuMicroseconds }) => cpuMicroseconds / rows))),
    ];
    const rows = [
      line(`CSV files of ${count(FILE.rows)} rows`, result.file, FILE.rows),
      line(`JSON bodies of ${count(BODIES.rows)} rows`, result.bodies, BODIES.rows),
    ];
    return `A file\n${renderTable(['', 'rows/s', 'CPU µs/row'], rows, 1)}`;
  },
  bounds: (result) => [
    {
      id: 'file',
      what: `CSV files of ${count(FILE.rows)} rows: rows/s against JSON bodies of ${count(BODIES.rows)} rows`,
      holds: 'at least',
      limit: 1,
      unit: '',
      measured: spreadOf(
        result?.file.map(
          (sample, round) =>
            rowsPerSecond(sample, FILE.rows) / rowsPerSecond(result.bodies[round] as Sample, BODIES.rows),
        ),
      ),
      needs: '--parts file',
    },
  ],
};
