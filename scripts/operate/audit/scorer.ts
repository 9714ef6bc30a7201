import type { RecordedOutput } from '../../../server/observers/predictionLog/record.ts';
import type { Signature } from '../../../server/model/signature.ts';

export type Cells = Readonly<Record<string, unknown>>;

/** A version that answers rows again. */
export interface Version {
  readonly signature: Pick<Signature, 'inputs'>;
  /** The answer to each row; undefined where the row is refused. @throws {Failure} */
  score(rows: readonly Cells[]): Promise<readonly (RecordedOutput | undefined)[]>;
  close(): Promise<void>;
}

/** Where versions are found again. */
export interface Versions {
  /** The version with exactly this ONNX file; undefined when there is none. @throws {Failure} */
  find(model: string, sha256: string): Promise<Version | undefined>;
}
