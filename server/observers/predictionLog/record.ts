/** A logged prediction: one row of one request. What a stream's entry and a file's line hold, as JSON. */
export interface PredictionRecord {
  readonly requestId: string;
  /** Where the row stood in the request, counted from 0. */
  readonly row: number;
  /** When it was answered, ISO 8601 in UTC. */
  readonly time: string;
  /** `<name>/<version>`. */
  readonly model: string;
  /** Of the ONNX file that answered. */
  readonly sha256: string;
  /** The signature's columns, as they were decoded. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Of the input's canonical text. */
  readonly inputSha256?: string;
  readonly output: RecordedOutput;
}

/** What the model answered; null stands for a number that JSON doesn't have. */
export type RecordedOutput =
  | {
      readonly label: string | number;
      /** By class. */
      readonly probabilities: Readonly<Record<string, number | null>>;
    }
  | { readonly value: number | null };
