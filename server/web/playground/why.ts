import type { Explanation, ModelDetails } from './api.ts';
import { byId, element } from '../shared/dom.ts';
import { percent, signed, signedPoints, value } from './numbers.ts';

/** Shows what each column contributed to the answer to the form's row. */
export interface Why {
  show(explanation: Explanation, space: string): void;
  /** @param reason shown in the place of an explanation */
  hide(reason?: string): void;
}

/** Columns that the words name. */
const NAMED = 3;

/** A step of the waterfall, from one sum to the next. */
interface Step {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly kind: 'total' | 'up' | 'down';
}

/** How numbers of a space are written. */
interface Space {
  readonly total: (value: number) => string;
  readonly change: (value: number) => string;
  readonly subject: (name: string) => string;
}

const inValues = { total: value, change: signed };
const SPACES: Readonly<Record<string, Space>> = {
  probability: { total: percent, change: signedPoints, subject: (name) => `The probability of ${name}` },
  margin: { ...inValues, subject: (name) => `The score of ${name}, before it becomes a probability,` },
};
const VALUE: Space = { ...inValues, subject: () => 'The prediction' };

/** Of a value whose link is left out. */
const LINKED: Space = { ...inValues, subject: () => 'The score behind the prediction' };

const textOf = (label: Explanation['class']): string => String(label).trim() || '(empty)';

/** The steps from the base over the columns to the output. The others come last. */
function stepsOf({ base, output, contributions, other }: Explanation, { total, change }: Space): Step[] {
  const entries = Object.entries(contributions);
  if (other !== undefined) entries.push(['all other columns', other]);
  let sum = base;
  const changes = entries.map(([name, size]): Step => {
    const from = sum;
    sum += size;
    return { name, from, to: sum, text: change(size), kind: size < 0 ? 'down' : 'up' };
  });
  const start: Step = { name: 'Average', from: base, to: base, text: total(base), kind: 'total' };
  const end: Step = { name: 'This row', from: output, to: output, text: total(output), kind: 'total' };
  return [start, ...changes, end];
}

function line({ name, from, to, text, kind }: Step, low: number, width: number): HTMLElement {
  const step = element('span', { class: 'step' });
  // Not by a style attribute, which the page's policy forbids.
  step.style.insetInlineStart = `${(100 * (Math.min(from, to) - low)) / width}%`;
  step.style.inlineSize = `${(100 * Math.abs(to - from)) / width}%`;
  return element(
    'li',
    { class: kind },
    element('span', { class: 'class' }, name),
    element('span', { class: 'probability' }, text),
    element('span', { class: 'track', 'aria-hidden': 'true' }, step),
  );
}

function wordsOf({ class: label, base, output, contributions }: Explanation, space: Space): string {
  const most = Object.entries(contributions)
    .filter(([, size]) => size !== 0)
    .slice(0, NAMED)
    .map(([name, size]) => `${name} ${size < 0 ? 'lowers' : 'raises'} it (${space.change(size)})`);
  const matters = most.length === 0 ? 'No column changes it.' : `What matters most: ${most.join(', ')}.`;
  return `${space.subject(textOf(label))} is ${space.total(output)}, against ${space.total(base)} on average. ${matters}`;
}

export function createWhy(): Why {
  const [section, words, list] = [byId('why'), byId('why-words'), byId('waterfall')];
  return {
    show: (explanation, name) => {
      const space = (explanation.class === undefined && name !== 'value' ? LINKED : SPACES[name]) ?? VALUE;
      const steps = stepsOf(explanation, space);
      const ends = steps.flatMap(({ from, to }) => [from, to]);
      const low = Math.min(...ends);
      // Of a model whose columns change nothing all steps have no width.
      const width = Math.max(...ends) - low || 1;
      words.textContent = wordsOf(explanation, space);
      list.replaceChildren(...steps.map((step) => line(step, low, width)));
      section.hidden = false;
    },
    hide: (reason) => {
      words.textContent = reason ?? '';
      list.replaceChildren();
      section.hidden = reason === undefined;
    },
  };
}

/** Columns whose importance is drawn. */
const DRAWN = 12;

/** Shows what matters to the model over all rows, where that is known. */
export function showImportance({ explanation }: Pick<ModelDetails, 'explanation'>): void {
  const [section, list] = [byId('importance'), byId('importance-bars')];
  const sorted = Object.entries(explanation?.importance ?? {}).sort(([, a], [, b]) => b - a);
  const most = sorted[0]?.[1] || 1;
  const { change } = { ...VALUE, ...SPACES[explanation?.space ?? ''] };
  const unsigned = (size: number): string => change(size).replace(/^\+/, '');
  const lines = sorted.slice(0, DRAWN).map(([name, size]) => {
    const filled = element('span', { class: 'filled' });
    filled.style.inlineSize = `${(100 * size) / most}%`;
    return element(
      'li',
      {},
      element('span', { class: 'class' }, name),
      element('span', { class: 'probability' }, unsigned(size)),
      element('span', { class: 'track', 'aria-hidden': 'true' }, filled),
    );
  });
  const rest = sorted.length - lines.length;
  if (rest > 0) lines.push(element('li', { class: 'rest' }, `and ${rest} less important columns`));
  list.replaceChildren(...lines);
  section.hidden = sorted.length === 0;
}
