import type { OutputFeed } from '../../worker/protocol.ts';
import { classTexts } from '../model/labels.ts';
import type { Input } from '../model/signature.ts';

/** The columns that an answer adds to a CSV: one for each value, then the scores. */
export function addedTitles(output: OutputFeed, probabilities: boolean): string[] {
  switch (output.task) {
    case 'regression':
      return ['prediction'];
    case 'classification':
      return [
        'prediction',
        ...(probabilities ? classTexts(output) : []).map((name) => `probability_${name}`),
      ];
    case 'several': {
      const { values, form, scores } = output;
      const titles = form === 'single' ? ['prediction'] : values.map(({ name }) => `prediction_${name}`);
      const names = {
        score: () => ['score'],
        distances: () => (values[0]?.classes ?? []).map((name) => `distance_${name}`),
        probabilities: () => (probabilities ? values.map(({ name }) => `probability_${name}`) : []),
      };
      return [...titles, ...(scores ? names[scores.name]() : [])];
    }
  }
}

/** The columns of an explained answer: one for each input, then the base. */
export const explainedTitles = (inputs: readonly Pick<Input, 'name'>[]): string[] => [
  ...inputs.map(({ name }) => `contribution_${name}`),
  'base',
];

/** The class names of each value that is a label. */
export function labelTexts(output: OutputFeed): readonly (readonly string[] | undefined)[] {
  switch (output.task) {
    case 'regression':
      return [];
    case 'classification':
      return [classTexts(output)];
    case 'several':
      return output.values.map(
        ({ classes, floatClasses }) =>
          classes && classTexts({ classes, ...(floatClasses && { floatClasses }) }),
      );
  }
}
