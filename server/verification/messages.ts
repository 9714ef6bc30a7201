import type { Candidate } from '../repository/listing.ts';

/** What the verifying process is to compare. */
export interface VerifyTask {
  readonly candidate: Candidate;
  readonly maxModelBytes: number;
}
