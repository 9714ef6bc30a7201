import type { Answered } from '../../prediction/onAnswered.ts';
import type { Line } from './sink.ts';
import type { ObservedRecords } from './writeRecords.ts';

/** Bounds of the rows and records that wait in a process. */
const MAX_ROWS = 20_000;
const MAX_BYTES = 16 * 2 ** 20;
/** Rows that become records in one turn of the event loop: about 0.2 ms. */
const SLICE_ROWS = 64;
/** Bounds of a batch that is stored together. */
const BATCH_RECORDS = 128;
const BATCH_BYTES = 2 ** 20;

/** Answered rows on their way to the log, in bounded memory. */
export interface LogBacklog {
  /** Keeps references to the rows, and drops those that it has no room for. */
  add(observation: Answered): void;
  /** The next records to store together; undefined while there are none. */
  take(): readonly Line[] | undefined;
  /** Turns all remaining rows into records at once. */
  finish(): void;
  /** Drops everything. */
  clear(): void;
}

export interface LogBacklogOptions {
  readonly write: (observation: Answered, ms: number) => ObservedRecords;
  readonly onDropped: (rows: number) => void;
  /** There are records. */
  readonly onRecords: () => void;
}

/** Rows of one request. */
interface Taken {
  readonly observation: Answered;
  readonly ms: number;
  rows: number;
  records: ObservedRecords | undefined;
}

/**
 * Rows become records in the turns after the one that answered them, whether they can be stored or not: a row may keep
 * the whole body of its request in memory, a record only itself.
 */
export function createLogBacklog({ write, onDropped, onRecords }: LogBacklogOptions): LogBacklog {
  let taken: Taken[] = [];
  let lines: Line[] = [];
  let rows = 0;
  let bytes = 0;
  let scheduled = false;

  const drop = (count: number): void => {
    rows -= count;
    if (count > 0) onDropped(count);
  };
  const slice = (limit: number): void => {
    let left = limit;
    for (let first = taken[0]; first && left > 0; first = taken[0]) {
      const { observation, ms } = first;
      const records = (first.records ??= write(observation, ms));
      for (; first.rows > 0 && left > 0; first.rows--, left--) {
        if (bytes >= MAX_BYTES) {
          drop(first.rows);
          first.rows = 0;
          break;
        }
        const text = records.next();
        bytes += text.length;
        lines.push({ model: observation.model.name, text });
      }
      if (first.rows === 0) taken.shift();
    }
    if (lines.length > 0) onRecords();
  };
  const schedule = (): void => {
    if (scheduled || taken.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      slice(SLICE_ROWS);
      schedule();
    });
  };
  return {
    add: (observation) => {
      const all = observation.rows.rows;
      const room = bytes < MAX_BYTES ? MAX_ROWS - rows : 0;
      const count = Math.min(all, room);
      if (count < all) onDropped(all - count);
      if (count === 0) return;
      taken.push({ observation, ms: Date.now(), rows: count, records: undefined });
      rows += count;
      schedule();
    },
    take: () => {
      if (lines.length === 0) return undefined;
      let [count, size] = [0, 0];
      while (count < lines.length && count < BATCH_RECORDS && size < BATCH_BYTES)
        size += (lines[count++] as Line).text.length;
      rows -= count;
      bytes -= size;
      return lines.splice(0, count);
    },
    finish: () => slice(Infinity),
    clear: () => {
      drop(rows);
      taken = [];
      lines = [];
      bytes = 0;
    },
  };
}
