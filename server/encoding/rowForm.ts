import type { Fault } from '../errors/refusals.ts';
import type { UnreadRow } from '../model/rows.ts';

const NO_RECORD: Fault = { reason: 'row', message: 'expected an object' };

const isRecord = (values: unknown): boolean =>
  typeof values === 'object' && values !== null && !Array.isArray(values);

/** Whether a row is an object, or else a list of this many cells. */
export const hasForm = (values: unknown, byName: boolean, width: number): boolean =>
  byName ? isRecord(values) : Array.isArray(values) && values.length === width;

/** Why a row is refused that has another form. */
export function formFault(values: unknown, byName: boolean, width: number): Fault {
  if (typeof values === 'function') return (values as UnreadRow)();
  if (byName) return NO_RECORD;
  return {
    reason: 'row',
    message: Array.isArray(values)
      ? `expected ${width} cells, found ${values.length}`
      : 'expected a list of cells',
  };
}
