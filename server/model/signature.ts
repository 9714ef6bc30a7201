import type { OutputFeed } from '../../worker/protocol.ts';

export type ColumnType = 'string' | 'number' | 'integer' | 'boolean';

/** How training data lie in a column, or the model's answers to them: shares of all training rows. */
export interface Distribution {
  readonly rows: number;
  /** Numbers: the upper edges of all bins but the last; a value belongs to the first bin whose edge is no smaller. */
  readonly edges?: readonly number[];
  /** One for each bin, category (in their order) or class; false and true of a boolean. */
  readonly shares: readonly number[];
  /** Texts that are none of the categories. */
  readonly other?: number;
  readonly missing?: number;
}

/** A column of a model's signature. */
export interface Input {
  readonly name: string;
  /** The ONNX input that the column feeds. */
  readonly onnx: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly categories?: readonly string[];
  readonly range?: readonly [min: number, max: number];
  /** A telling value, of the column's type: the schema guarantees it. */
  readonly example?: string | number | boolean;
  readonly distribution?: Distribution;
}

/** What `model.json` says: the contract of one model version. See models/model.schema.json. */
export interface Signature {
  readonly task: 'classification' | 'regression';
  readonly description?: string;
  readonly framework?: string;
  readonly created?: string;
  /** Of the ONNX file; a version that was read always has it. */
  readonly sha256?: string;
  readonly inputs: readonly Input[];
  readonly outputs: {
    readonly label?: string;
    readonly probabilities?: string;
    readonly classes?: readonly (string | number)[];
    readonly value?: string;
    readonly distribution?: Distribution;
  };
  readonly metrics?: Readonly<Record<string, number | string>>;
  /** POST paths at which the model answers in its own form. */
  readonly routes?: readonly string[];
  /** Its own form: the one key of an answer, and to how many decimal places a value is rounded. */
  readonly answer?: { readonly key: string; readonly decimals?: number };
}

/** What `golden.json` holds: rows and the answers that the training side gave. */
export interface Golden {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
  readonly predictions: readonly (string | number)[];
  readonly probabilities?: readonly (readonly number[])[];
}

/** Where a thread finds the answers among the graph's outputs. The schema guarantees the names. */
export function outputFeed({ task, outputs }: Signature): OutputFeed {
  const { label = '', probabilities = '', classes = [], value = '' } = outputs;
  return task === 'classification' ? { task, label, probabilities, classes } : { task, value };
}
