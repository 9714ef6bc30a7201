import type { Listing, Candidate } from './listing.ts';

/** Where models come from. */
export interface Source {
  /** What is there now. @throws {ModelRefused} */
  list(): Promise<Listing>;
  /**
   * Brings the files of a version within reach, before it is opened.
   *
   * @throws {NotFetched} that version can't be; @throws {ModelRefused} none can
   */
  fetch(candidate: Candidate): Promise<void>;
}
