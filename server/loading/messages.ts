import type { Rows } from '../../worker/protocol.ts';
import type { FoundPath } from '../compiler/fastPath.ts';
import type { GoldenRows } from '../model/model.ts';
import type { Signature } from '../model/signature.ts';
import type { Candidate } from '../repository/listing.ts';

/** What a loading thread is to read. */
export interface LoadTask {
  readonly candidate: Candidate;
  /** Whether to look for a fast path. */
  readonly compile: boolean;
  /** Another process compares the fast path: this one doesn't need the file's content for that. */
  readonly trusted: boolean;
  readonly maxModelBytes: number;
}

/** A version without the functions that make its rows a matrix. Large arrays are shared, not copied. */
export interface LoadedVersion {
  /** Path of the ONNX file. */
  readonly path: string;
  readonly signature: Signature;
  readonly golden: GoldenRows | undefined;
  readonly probes: Rows;
  /** See `Model.mixed`. */
  readonly mixed: Rows | undefined;
  /** The fast path, the reason why there is none, or undefined where none was looked for. */
  readonly found: FoundPath | string | undefined;
  /**
   * The content of the ONNX file, digested and checked: shared memory where several threads open the graph, else for one
   * thread alone. undefined if there is no such file, or no thread needs it.
   */
  readonly onnx: Uint8Array | undefined;
}

export type LoadReply =
  { readonly ok: true; readonly version: LoadedVersion } | { readonly ok: false; readonly reason: string };
