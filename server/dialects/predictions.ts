import { classesAsJson } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import { createSeveralText } from './forms/severalText.ts';
import { writeNumbers } from './forms/numbers.ts';

/** Writes `{"predictions": [...]}` with labels or values alone: the answer of MLflow, V1 and Vertex AI. */
export function createPredictionsWriter({
  output,
}: Pick<Model, 'output'>): (answers: Float64Array) => string {
  if (output.task === 'regression') return (answers) => `{"predictions":[${writeNumbers(answers)}]}`;
  if (output.task === 'several') {
    const { width, prediction } = createSeveralText(output);
    return (answers) => {
      let list = '';
      for (let at = 0; at < answers.length; at += width)
        list += (at === 0 ? '' : ',') + prediction(answers, at);
      return `{"predictions":[${list}]}`;
    };
  }
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
