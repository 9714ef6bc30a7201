import type { PreparedExplanation } from '../../../worker/protocol.ts';
import type { Engine } from '../../model/model.ts';
import type { Candidate } from '../../repository/listing.ts';

/** What explanations of an open version need is to be read. */
export interface ExplainedFiles {
  readonly candidate: Candidate;
  readonly maxModelBytes: number;
  /** Of the version that is open. */
  readonly sha256: string | undefined;
  /** On which its rows are encoded. */
  readonly path: Engine['path'];
}

/** What explanations need, or why there are none. */
export type ExplainedVersion = PreparedExplanation | { readonly reason: string };

/** Of each column the mean size of its contributions to the background rows. */
export type Importance = readonly number[];
