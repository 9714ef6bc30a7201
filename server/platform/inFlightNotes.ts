import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { inFlightPath } from './runtimeFolder.ts';

/** Bytes that a thread's request ids take at most: a batch of single rows with ids of usual length. */
const REGION_BYTES = 16_384;

/**
 * Notes which requests the threads work on where it outlives the process: one that dies natively can't say what
 * it was doing. One write a batch, into the page cache.
 */
export interface InFlightNotes {
  /** Replaces a thread's note; an empty one says that it is idle. */
  note(thread: number, requestIds: readonly string[]): void;
  close(): void;
}

/** The notes of this process, in the server's runtime folder. */
export function createInFlightNotes(runtime: string, pid: number): InFlightNotes {
  let closed = false;
  const file = openSync(inFlightPath(runtime, pid), 'w', 0o600);
  return {
    note: (thread, requestIds) => {
      if (closed) return;
      const text = `${requestIds.join(' ')}\n`;
      try {
        writeSync(file, Buffer.from(text), 0, Math.min(text.length, REGION_BYTES), thread * REGION_BYTES);
      } catch {
        // A full disk loses a note, never a request.
      }
    },
    close: () => {
      closed = true;
      closeSync(file);
      rmSync(inFlightPath(runtime, pid), { force: true });
    },
  };
}

/** Takes the note of a process that died: the ids of the requests that its threads were working on. */
export function takeInFlight(runtime: string, pid: number): string[] {
  try {
    const bytes = readFileSync(inFlightPath(runtime, pid));
    rmSync(inFlightPath(runtime, pid), { force: true });
    const regions = Array.from({ length: Math.ceil(bytes.length / REGION_BYTES) }, (_, thread) =>
      bytes.toString('latin1', thread * REGION_BYTES, (thread + 1) * REGION_BYTES),
    );
    // The region of a thread that never ran is a hole: it reads as zeros.
    return regions.flatMap((region) => region.split('\n', 1)[0]?.match(/[^ \0]+/g) ?? []);
  } catch {
    return [];
  }
}
