import type { Candidate } from '../repository/listing.ts';

/** What the verifying process is to compare. */
export interface VerifyTask {
  readonly candidate: Candidate;
  readonly maxModelBytes: number;
}

/** What all processes are to know of a version before they serve it. */
export interface Verdict {
  /** Differs when the files do. */
  readonly content: string;
  /** Why its fast path isn't taken; undefined where it answers the probes as ONNX Runtime does. */
  readonly fastRefused?: string;
}

export type VerifyReply =
  { readonly ok: true; readonly verdict: Verdict } | { readonly ok: false; readonly reason: string };
