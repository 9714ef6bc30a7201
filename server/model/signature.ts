import type { ColumnFeed, Label, OutputColumn, OutputFeed, SeveralFeed } from '../../worker/protocol.ts';
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
  /** Of a nullable string column: the text that the graph takes for null. A request that holds it is refused. */
  readonly missing?: string;
  readonly categories?: readonly string[];
  /** Refuses other texts than the categories, as the training library does. */
  readonly closed?: boolean;
  readonly range?: readonly [min: number, max: number];
  /** A typical value, of the column's type: the schema guarantees it. */
  readonly example?: string | number | boolean;
  readonly distribution?: Distribution;
}

/** One of several values of an answer. Several of one ONNX output take its columns in their order. */
export interface OutputValue {
  readonly name: string;
  readonly onnx: string;
  /** By default `number`; a label has classes instead. */
  readonly type?: 'number' | 'integer';
  readonly classes?: readonly Label[];
  readonly distribution?: Distribution;
}

export const TASKS = [
  'classification',
  'regression',
  'ranking',
  'multioutput-regression',
  'quantile-regression',
  'multilabel-classification',
  'outlier-detection',
  'clustering',
  'transformation',
] as const;

export type Task = (typeof TASKS)[number];

/** The content of `model.json`: the contract of one model version. See models/model.schema.json. */
export interface Signature {
  readonly task: Task;
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
    readonly values?: readonly OutputValue[];
    readonly score?: string;
    readonly distances?: string;
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
  /** A list for each row of a model that answers with several values. */
  readonly predictions: readonly (Label | readonly Label[])[];
  readonly probabilities?: readonly (readonly number[])[];
  readonly score?: readonly number[];
  readonly distances?: readonly (readonly number[])[];
}

const toColumn = ({ name, onnx, type, classes }: OutputValue): OutputColumn => ({
  name,
  onnx,
  ...(classes && { classes }),
  ...(type === 'integer' && { integer: true }),
});

function severalFeed({ task, outputs }: Signature): SeveralFeed {
  const { label = '', classes = [], values = [], floatClasses = false } = outputs;
  const { probabilities, score, distances } = outputs;
  const single = [{ name: 'label', onnx: label, classes }];
  switch (task) {
    case 'outlier-detection':
      return {
        task: 'several',
        form: 'single',
        values: single,
        scores: { name: 'score', onnx: score ?? '', width: 1 },
      };
    case 'classification':
      return {
        task: 'several',
        form: 'single',
        values: [{ name: label, onnx: label, classes, ...(floatClasses && { floatClasses }) }],
      };
    case 'clustering': {
      const scores = { name: 'distances', onnx: distances ?? '', width: classes.length } as const;
      return { task: 'several', form: 'single', values: single, ...(distances !== undefined && { scores }) };
    }
    default: {
      const scores = { name: 'probabilities', onnx: probabilities ?? '', width: values.length } as const;
      return {
        task: 'several',
        form: task === 'transformation' ? 'vector' : 'list',
        values: values.map(toColumn),
        ...(probabilities !== undefined && { scores }),
      };
    }
  }
}

/** How a thread fills the column's input. The text for null is one more category. */
export function columnFeed({ onnx, type, nullable, categories = [], missing }: Input): ColumnFeed {
  return { onnx, type, nullable, categories: missing === undefined ? categories : [...categories, missing] };
}

/** Where a thread finds the answers among the graph's outputs. The schema guarantees the names. */
export function outputFeed(signature: Signature): OutputFeed {
  const { label = '', probabilities, classes = [], floatClasses = false, value = '' } = signature.outputs;
  switch (signature.task) {
    case 'classification':
      // A label without probabilities is an answer of another form.
      if (probabilities === undefined) return severalFeed(signature);
      return {
        task: 'classification',
        label,
        probabilities,
        classes,
        ...(floatClasses && { floatClasses }),
      };
    case 'regression':
    case 'ranking':
      return { task: 'regression', value };
    default:
      return severalFeed(signature);
  }
}

/** Whether answers have probabilities beside the prediction. */
export const givesProbabilities = (output: OutputFeed): boolean =>
  output.task === 'classification' || (output.task === 'several' && output.scores?.name === 'probabilities');

/** The classes of the one label that a row is answered with; undefined for values, and for several labels. */
export function labelClasses(output: OutputFeed): readonly Label[] | undefined {
  if (output.task === 'classification') return output.classes;
  return output.task === 'several' && output.form === 'single' ? output.values[0]?.classes : undefined;
}
