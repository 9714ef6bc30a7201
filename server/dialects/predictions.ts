import { classesAsJson } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import { writeNumbers } from './native.ts';

/** Writes `{"predictions": [...]}` with labels or values alone: the answer of MLflow, V1 and Vertex AI. */
export function createPredictionsWriter({
  output,
}: Pick<Model, 'output'>): (answers: Float64Array) => string {
  if (output.task === 'regression') return (answers) => `{"predictions":[${writeNumbers(answers)}]}`;
  const classes = classesAsJson(output);
  const width = 1 + classes.length;
  return (answers) => {
    let labels = '';
    for (let at = 0; at < answers.length; at += width) {
      labels += (at === 0 ? '' : ',') + (classes[answers[at] as number] as string);
    }
    return `{"predictions":[${labels}]}`;
  };
}
