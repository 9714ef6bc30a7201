import type { Label } from '../../../worker/protocol.ts';

/** A logged prediction: one row of one request. Entries of a stream and lines of a file hold it as JSON. */
export interface PredictionRecord {
  readonly requestId: string;
  /** The row's number in the request, counted from 0. */
  readonly row: number;
  /** When it was answered, ISO 8601 in UTC. */
  readonly time: string;
  /** `<name>/<version>`. */
  readonly model: string;
  /** Of the ONNX file. */
  readonly sha256: string;
  /** The decoded cells of the signature's columns. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Of the input's canonical text. */
  readonly inputSha256?: string;
  readonly output: RecordedOutput;
}

/** The model's answer; null stands for a number that JSON doesn't have. */
export type RecordedOutput =
  | {
      readonly label: Label;
      /** By class. */
      readonly probabilities: Readonly<Record<string, number | null>>;
    }
  | { readonly value: number | null }
  | {
      /** By the name of each value. */
      readonly values: Readonly<Record<string, Label | null>>;
      /** The score, the distances or the probabilities. */
      readonly scores?: readonly (number | null)[];
    };
