import { classTexts } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import type { ExplainedScores, Wanted } from './explanation.ts';
import { explanationAt, labelsOf, outputOf } from './explanation.ts';
import { writeNumber } from './forms/numbers.ts';

/** Writes the explanations of a request's rows in the form of Vertex AI, as JSON: a list with one entry a row. */
export type WriteAttributions = (
  explained: ExplainedScores,
  answers: Float64Array,
  of: Wanted['of'],
) => string;

/** Names are serialised once, here. */
export function createAttributionWriter({
  signature,
  output,
}: Pick<Model, 'signature' | 'output'>): WriteAttributions {
  const names = signature.inputs.map(({ name }) => JSON.stringify(name));
  const classes =
    output.task === 'classification' ? classTexts(output).map((text) => JSON.stringify(text)) : [];
  const outputName =
    output.task === 'classification'
      ? output.probabilities
      : output.task === 'regression'
        ? output.value
        : '';
  const named = `"outputName":${JSON.stringify(outputName)}`;
  const rowLabels = labelsOf(output);

  return (explained, answers, of) =>
    rowLabels(answers, of)
      .map((labels, row) => {
        const attributions = labels.map((label) => {
          const one = explanationAt(explained, row, label);
          const features = names.map((name, at) => `${name}:${writeNumber(one.values[at] as number)}`);
          const index =
            classes.length > 0 ? `,"outputIndex":[${label}],"outputDisplayName":${classes[label]}` : '';
          return `{"baselineOutputValue":${writeNumber(one.base)},"instanceOutputValue":${writeNumber(outputOf(one))},"featureAttributions":{${features.join()}}${index},${named}}`;
        });
        return `{"attributions":[${attributions.join()}]}`;
      })
      .join();
}
