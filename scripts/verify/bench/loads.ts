import type { Context } from './context.ts';
import type { Table } from './rows.ts';
import { tablesOf } from './rows.ts';
import type { Subject } from './subjects/subject.ts';
import { writeLoad } from './wrk.ts';

/** Returns wrk's script for bodies of this many rows in the form that the subject takes. */
export type Loads = (subject: Pick<Subject, 'toBody'>, rows: number) => Promise<string>;

/** Each script is written once. */
export function createLoads(context: Context, table: Table): Loads {
  const written = new Map<Subject['toBody'], Map<number, Promise<string>>>();
  return ({ toBody }, rows) => {
    const sizes = written.get(toBody) ?? new Map<number, Promise<string>>();
    written.set(toBody, sizes);
    const script = sizes.get(rows) ?? writeLoad(context, tablesOf(table, rows).map(toBody));
    sizes.set(rows, script);
    return script;
  };
}
