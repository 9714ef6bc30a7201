import type { Model } from '../../../server/model/model.ts';
import { rowsInOrder } from '../../../server/model/rowsInOrder.ts';
import type { FileRows } from '../readRows.ts';

/** As servemodel.export writes them. */
export const BACKGROUND_ROWS = 64;

/** The content of background.json: evenly from all rows, in the order of the signature. */
export function backgroundOf({ signature }: Pick<Model, 'signature'>, { columns, data }: FileRows): string {
  const names = signature.inputs.map(({ name }) => name);
  const step = Math.max(1, data.length / BACKGROUND_ROWS);
  const some = Array.from(
    { length: Math.min(BACKGROUND_ROWS, data.length) },
    (_, at) => data[Math.floor(at * step)] as unknown[],
  );
  const rows = rowsInOrder({ columns, data: some }, names);
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  return `{\n  "columns": ${JSON.stringify(names)},\n  "data": [\n${lines}\n  ]\n}\n`;
}
