import type { EncodedRows } from '../model/rows.ts';
import type { Inference, PredictOptions } from '../inference/port.ts';
import type { Model } from '../model/model.ts';

export interface Call {
  readonly model: Model;
  readonly rows: EncodedRows;
  readonly options: PredictOptions;
}

/** The port of inference without threads: a test sets its behaviour. */
export interface FakeInference extends Inference {
  /** Answers the calls; by default `scoreFirstCell`. */
  behaviour: Inference['predict'];
  readonly calls: readonly Call[];
}

/** Two classes; the first cell of a row is the second one's probability in per cent. */
const scoreFirstCell: Inference['predict'] = ({ encoder }, { rows, cells }) => {
  const answers = new Float64Array(rows * 3);
  for (let row = 0; row < rows; row++) {
    const probability = (cells[row * encoder.width] as number) / 100;
    answers.set([probability > 0.5 ? 1 : 0, 1 - probability, probability], row * 3);
  }
  return Promise.resolve({ answers, queueSeconds: 0.001, runSeconds: 0.002 });
};

export function createFakeInference(): FakeInference {
  const calls: Call[] = [];
  const fake: FakeInference = {
    behaviour: scoreFirstCell,
    calls,
    queuedRows: 0,
    late: false,
    backlog: { isFull: false, onRoom: () => undefined },
    predict: (model, rows, options) => {
      calls.push({ model, rows, options });
      return fake.behaviour(model, rows, options);
    },
    close: () => Promise.resolve(),
  };
  return fake;
}
