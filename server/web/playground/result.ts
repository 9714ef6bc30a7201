import type { Answer, CellRemark, Prediction, ProblemBody, Timing } from './api.ts';
import { byId, element } from '../shared/dom.ts';
import { count, milliseconds, percent, value } from './numbers.ts';

/** Number of classes in the drawing; the rest is one line. */
const DRAWN = 12;

/** Shows the answer to the form's row. */
export interface Result {
  /** @param names of the values, where an answer is a list of them */
  answer(answer: Answer, timing: Timing, names: readonly string[]): void;
  /** @param remarks the remarks that belong to no field */
  refuse(refusal: ProblemBody, remarks: readonly CellRemark[]): void;
  /** Some field holds no cell. */
  incomplete(): void;
}

const isList = (prediction: unknown): prediction is readonly Prediction[] => Array.isArray(prediction);

const predictionText = (prediction: Answer['predictions'][number] | undefined): string => {
  if (isList(prediction)) return `${count(prediction.length)} values`;
  if (typeof prediction === 'number') return value(prediction);
  if (typeof prediction === 'boolean') return String(prediction);
  return prediction === null || prediction === undefined ? 'no number' : prediction.trim() || '(empty)';
};

function bar(name: string, probability: number, predicted: boolean): HTMLElement {
  const filled = element('span', { class: 'filled' });
  // Not by a style attribute, which the page's policy forbids.
  filled.style.inlineSize = `${probability * 100}%`;
  return element(
    'li',
    predicted ? { class: 'predicted' } : {},
    element('span', { class: 'class' }, name.trim() || '(empty)'),
    element('span', { class: 'probability' }, percent(probability)),
    element('span', { class: 'track', 'aria-hidden': 'true' }, filled),
  );
}

/** The values of a list, by their names. */
function lines(values: readonly Prediction[], names: readonly string[]): HTMLElement[] {
  const drawn = values
    .slice(0, DRAWN)
    .map((one, at) =>
      element(
        'li',
        {},
        element('span', { class: 'class' }, names[at] ?? ''),
        element('span', { class: 'probability' }, predictionText(one)),
      ),
    );
  const rest = values.length - drawn.length;
  return rest > 0 ? [...drawn, element('li', { class: 'rest' }, `and ${rest} more`)] : drawn;
}

/** What an answer has beside a label: its probability, its score or the distance to its cluster. */
function detailOf({ predictions, probabilities, classes, score, distances }: Answer): string {
  const [prediction] = predictions;
  if (isList(prediction)) return '';
  const best = probabilities?.[0]?.[classes?.indexOf(prediction ?? '') ?? -1];
  if (best !== undefined) return percent(best);
  const own = score?.[0];
  if (own !== undefined && own !== null) return `score ${value(own)}`;
  const nearest = distances?.[0] ?? [];
  return nearest.length > 0 ? `distance ${value(Math.min(...nearest))}` : '';
}

function bars({ predictions, probabilities, classes = [] }: Answer): HTMLElement[] {
  const row = probabilities?.[0];
  if (!row) return [];
  const sorted = classes
    .map((name, index) => ({ name, probability: row[index] ?? 0 }))
    .sort((a, b) => b.probability - a.probability);
  const drawn = sorted
    .slice(0, DRAWN)
    .map(({ name, probability }) => bar(String(name), probability, name === predictions[0]));
  const rest = sorted.length - drawn.length;
  return rest > 0 ? [...drawn, element('li', { class: 'rest' }, `and ${rest} less likely classes`)] : drawn;
}

export function createResult(): Result {
  const [headline, label, detail, list, timing, alert] = [
    byId('headline'),
    byId('prediction'),
    byId('prediction-detail'),
    byId('bars'),
    byId('timing'),
    byId('alert'),
  ];
  const state = (name: 'answer' | 'refused' | 'incomplete'): void => void (headline.dataset['state'] = name);
  return {
    answer: (answer, { roundTrip, server }, names) => {
      state('answer');
      alert.replaceChildren();
      const [prediction] = answer.predictions;
      label.textContent = predictionText(prediction);
      detail.textContent = detailOf(answer);
      list.replaceChildren(...(isList(prediction) ? lines(prediction, names) : bars(answer)));
      timing.textContent =
        server === undefined
          ? `Answered in ${milliseconds(roundTrip)}.`
          : `Answered in ${milliseconds(roundTrip)}, ${milliseconds(server)} of it in the server.`;
    },
    refuse: ({ detail: reason, requestId }, remarks) => {
      state('refused');
      label.textContent = 'No prediction';
      detail.textContent = '';
      list.replaceChildren();
      timing.textContent = requestId === undefined ? '' : `Request id: ${requestId}`;
      const lines = remarks.map(({ column, message }) =>
        element('li', {}, column === undefined ? message : `${column}: ${message}`),
      );
      alert.replaceChildren(
        element('p', {}, reason),
        ...(lines.length > 0 ? [element('ul', {}, ...lines)] : []),
      );
    },
    incomplete: () => {
      state('incomplete');
      label.textContent = 'No prediction';
      detail.textContent = '';
      list.replaceChildren();
      timing.textContent = 'Some fields are not filled in.';
      alert.replaceChildren();
    },
  };
}
