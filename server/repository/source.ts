import type { Listing, Candidate } from './listing.ts';

/** Where models come from. */
export interface Source {
  /** Lists the present versions. @throws {ModelRefused} */
  list(): Promise<Listing>;
  /**
   * Makes the files of a version available, before it is opened.
   *
   * @throws {NotFetched} for this version alone; @throws {ModelRefused} when no version can be fetched
   */
  fetch(candidate: Candidate): Promise<void>;
}
