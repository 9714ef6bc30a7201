/** A record to store. */
export interface Line {
  /** Name of the model. */
  readonly model: string;
  /** One record as JSON. */
  readonly text: string;
}

/** Why records were not logged. A closed set: it labels a metric. */
export const DROP_REASONS = ['queue_full', 'unreachable', 'disk_full', 'refused', 'shutdown'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Stores records. Its methods are never called concurrently. */
export interface Sink {
  /** Connects, or makes the folder, if need be. @throws {SinkFailure} */
  open(): Promise<void>;
  /**
   * Stores all of the records or none.
   *
   * @returns how many were refused for good
   * @throws {SinkFailure} the records may be written again
   */
  write(lines: readonly Line[]): Promise<number>;
  /** Frees connections and files, whatever it is doing. */
  close(): Promise<void>;
}

/** Records can't be stored now. */
export class SinkFailure extends Error {
  readonly reason: Exclude<DropReason, 'queue_full' | 'shutdown'>;
  constructor(reason: SinkFailure['reason'], cause: unknown) {
    const { code, message } = cause as NodeJS.ErrnoException;
    super(code ?? message, { cause });
    this.name = 'SinkFailure';
    this.reason = reason;
  }
}
