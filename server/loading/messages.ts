import type { Rows } from '../../worker/protocol.ts';
import type { FoundPath } from '../compiler/fastPath.ts';
import type { GoldenRows } from '../model/model.ts';
import type { Signature } from '../model/signature.ts';
import type { Candidate } from '../repository/listing.ts';
import type { ExplainedFiles, ExplainedVersion, Importance } from './explanation/files.ts';

/** What a loading thread is to read. */
export interface LoadTask {
  readonly candidate: Candidate;
  /** Whether to look for a fast path; a reason where it is known that there is none to take. */
  readonly compile: boolean | string;
  /** Whether the fast path is to be compared with ONNX Runtime, which needs the file's content. */
  readonly compare: boolean;
  readonly maxModelBytes: number;
}

/** A version without the functions that make its rows a matrix. Large arrays are shared, not copied. */
export interface LoadedVersion {
  /** Path of the ONNX file. */
  readonly path: string;
  readonly signature: Signature;
  readonly golden: GoldenRows | undefined;
  readonly probes: Rows;
  readonly backgroundRows: number;
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

type Reply<T> = { readonly ok: true; readonly version: T } | { readonly ok: false; readonly reason: string };
export type LoadReply = Reply<LoadedVersion>;
export type ExplainReply = Reply<ExplainedVersion>;
export type ImportanceReply = Reply<Importance | undefined>;
/** `importance`: that alone, undefined where threads must compute it. */
export type ExplainTask = ExplainedFiles & { readonly kind: 'explain' | 'importance' };
export type ThreadTask = LoadTask | ExplainTask;
