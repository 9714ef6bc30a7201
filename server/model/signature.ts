import type { Label, OutputFeed } from '../../worker/protocol.ts';
import type { NarrowTensor } from './tensorLimits.ts';

export type ColumnType = 'string' | 'number' | 'integer' | 'boolean';

/** The distribution of the training data in a column, or of the model's answers to them: shares of all rows. */
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
  /** That input's element type where it doesn't hold every cell: read from the ONNX file, no member of model.json. */
  readonly tensor?: NarrowTensor;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly categories?: readonly string[];
  readonly range?: readonly [min: number, max: number];
  /** A typical value, of the column's type: the schema guarantees it. */
  readonly example?: string | number | boolean;
  readonly distribution?: Distribution;
}

/** The content of `model.json`: the contract of one model version. See models/model.schema.json. */
export interface Signature {
  readonly task: 'classification' | 'regression';
  readonly description?: string;
  readonly framework?: string;
  readonly created?: string;
  /** Digest of the ONNX file; always set once the version is read. */
  readonly sha256?: string;
  /** Demands that each row has a run of its own. */
  readonly batching?: 'row';
  readonly inputs: readonly Input[];
  readonly outputs: {
    readonly label?: string;
    readonly probabilities?: string;
    readonly classes?: readonly Label[];
    readonly floatClasses?: boolean;
    readonly value?: string;
    readonly distribution?: Distribution;
  };
  readonly metrics?: Readonly<Record<string, number | string>>;
  /** POST paths at which the model answers in its custom form. */
  readonly routes?: readonly string[];
  /** The custom form: the one key of an answer, and the decimal places of a value. */
  readonly answer?: { readonly key: string; readonly decimals?: number };
}

/** The content of `golden.json`: rows and the answers of the training side. */
export interface Golden {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
  readonly predictions: readonly Label[];
  readonly probabilities?: readonly (readonly number[])[];
}

/** Where a thread finds the answers among the graph's outputs. The schema guarantees the names. */
export function outputFeed({ task, outputs }: Signature): OutputFeed {
  const { label = '', probabilities = '', classes = [], floatClasses = false, value = '' } = outputs;
  return task === 'classification'
    ? { task, label, probabilities, classes, ...(floatClasses && { floatClasses }) }
    : { task, value };
}
