import type { Cell, CellRemark, ModelDetails } from './api.ts';
import { namesOfValues } from './api.ts';
import type { BatchResult, RowAnswer } from './batch.ts';
import { predictCsv } from './batch.ts';
import type { Csv } from './csv.ts';
import { parseCsv, writeLine } from './csv.ts';
import { byId, element } from '../shared/dom.ts';
import { download, part } from './dom.ts';
import { count, milliseconds, percent, value } from './numbers.ts';

/** Larger files are for POST /predict_file: the page would hold them in memory several times. */
const MAX_BYTES = 64 * 1024 * 1024;
const SHOWN_ROWS = 100;
const SHOWN_VALUES = 6;
const SHOWN_REMARKS = 20;

/** The part of the page that predicts whole tables. */
export interface Many {
  /** Switches to another model and removes the results of the last one. */
  use(model: ModelDetails, exampleRow: () => readonly Cell[] | undefined): void;
}

const toText = (cell: string | number | boolean | null | undefined): string =>
  cell === null || cell === undefined ? '' : String(cell);

/** The file with its predictions as more columns. */
function writeResult(csv: Csv, { answers }: BatchResult, names: readonly string[]): string {
  const withProbability = answers.some((answer) => answer?.probability !== undefined);
  const titles = names.length > 0 ? names.map((name) => `prediction_${name}`) : ['prediction'];
  const more = withProbability ? [...titles, 'probability'] : titles;
  const lines = csv.rows.map((row, index) => {
    const answer = answers[index];
    const values = titles.map((_, at) => toText([answer?.prediction ?? null].flat()[at]));
    const added = [...values, toText(answer?.probability)].slice(0, more.length);
    return writeLine([...row, ...added], csv.delimiter);
  });
  return writeLine([...csv.header, ...more], csv.delimiter) + lines.join('');
}

/** A list is cut: the download has all of it. */
function predictionText(prediction: RowAnswer['prediction']): string {
  const all = [prediction].flat();
  const texts = all
    .slice(0, SHOWN_VALUES)
    .map((one) => (typeof one === 'number' ? value(one) : toText(one).trim()));
  return all.length > texts.length ? `${texts.join(', ')}, …` : texts.join(', ');
}

function table(csv: Csv, { answers, errors }: BatchResult): HTMLElement {
  const refused = new Map(errors.map((error) => [error.row, error]));
  const columns = ['line', 'prediction', ...csv.header];
  const head = element('tr', {}, ...columns.map((name) => element('th', { scope: 'col' }, name)));
  const rows = csv.rows.slice(0, SHOWN_ROWS).map((row, index) => {
    const answer = answers[index];
    const prediction = answer
      ? element(
          'td',
          { class: 'prediction' },
          predictionText(answer.prediction),
          answer.probability === undefined
            ? undefined
            : element('span', { class: 'probability' }, percent(answer.probability)),
        )
      : element('td', { class: 'refused' }, refused.has(index) ? 'refused' : 'not predicted');
    const line = element('th', { scope: 'row' }, String(csv.lines[index] ?? ''));
    return element('tr', {}, line, prediction, ...row.map((cell) => element('td', {}, cell)));
  });
  return element(
    'table',
    {},
    element('caption', { class: 'unseen' }, 'Predictions, beside the cells of each row'),
    element('thead', {}, head),
    element('tbody', {}, ...rows),
  );
}

function remarks(
  title: string,
  kind: 'errors' | 'warnings',
  csv: Csv,
  list: readonly CellRemark[],
  total: number,
): HTMLElement | undefined {
  if (total === 0) return undefined;
  const lines = list.slice(0, SHOWN_REMARKS).map(({ row, column, message }) => {
    const where = `Line ${csv.lines[row] ?? '?'}${column === undefined ? '' : `, ${column}`}: `;
    return element('li', {}, element('strong', {}, where), message);
  });
  const rest = total - lines.length;
  return element(
    'div',
    { class: kind },
    element('h3', {}, title),
    element('ul', {}, ...lines),
    rest > 0 ? element('p', { class: 'hint' }, `and ${count(rest)} more`) : undefined,
  );
}

export function createMany(): Many {
  const [zone, text, file, status, progress, output] = [
    byId('drop'),
    part('csv', HTMLTextAreaElement),
    part('file', HTMLInputElement),
    byId('many-status'),
    part('progress', HTMLProgressElement),
    byId('many-output'),
  ];
  let model: ModelDetails | undefined;
  let exampleRow: () => readonly Cell[] | undefined = () => undefined;
  let running: AbortController | undefined;

  const fail = (message: string): void => {
    status.textContent = message;
    progress.hidden = true;
    output.replaceChildren();
  };

  const show = (name: string, csv: Csv, result: BatchResult, time: number): void => {
    const { answers, errors, warnings, warningsTotal, unused, refusal } = result;
    const names = model ? namesOfValues(model) : [];
    const answered = answers.filter((answer) => answer !== undefined).length;
    status.textContent =
      `${count(answered)} of ${count(csv.rows.length)} rows predicted in ${milliseconds(time)}.` +
      (refusal ? ` ${refusal.detail}` : '');
    const save = element('button', { type: 'button', class: 'primary' }, 'Download with predictions');
    save.addEventListener('click', () => download(name, 'text/csv', writeResult(csv, result, names)));
    const left = csv.rows.length - SHOWN_ROWS;
    const notes = [
      ...(unused.length > 0 ? [`Columns that the model doesn’t have, not sent: ${unused.join(', ')}.`] : []),
      ...(left > 0 ? [`The first ${SHOWN_ROWS} rows are shown; the download has all.`] : []),
    ];
    output.replaceChildren(
      ...[
        remarks('Refused rows', 'errors', csv, errors, errors.length),
        remarks('Warnings', 'warnings', csv, warnings, warningsTotal),
        ...(answered > 0
          ? [
              element('div', { class: 'actions' }, save),
              ...notes.map((note) => element('p', { class: 'hint' }, note)),
              element(
                'div',
                { class: 'scroll', role: 'region', 'aria-label': 'Table of predictions', tabindex: '0' },
                table(csv, result),
              ),
            ]
          : notes.map((note) => element('p', { class: 'hint' }, note))),
      ].filter((part) => part !== undefined),
    );
  };

  const run = async (name: string, content: string): Promise<void> => {
    running?.abort();
    if (!model) return;
    const csv = parseCsv(content);
    if (csv.rows.length === 0) {
      fail('There are no rows: the first line holds the names of the columns, each other line a row.');
      return;
    }
    const { signal } = (running = new AbortController());
    const start = performance.now();
    progress.hidden = false;
    progress.max = csv.rows.length;
    progress.value = 0;
    output.replaceChildren();
    status.textContent = `Predicting ${count(csv.rows.length)} rows …`;
    try {
      const onProgress = (rows: number): void => void (progress.value = rows);
      const result = await predictCsv(model, csv, { signal, onProgress });
      progress.hidden = true;
      show(name, csv, result, performance.now() - start);
    } catch (error) {
      // Aborted: another file is being predicted.
      if (!signal.aborted) throw error;
    }
  };

  const take = async (chosen: File | undefined): Promise<void> => {
    if (!chosen) return;
    if (chosen.size > MAX_BYTES) {
      fail('This file is too large for a page: send it to POST /predict_file.');
      return;
    }
    text.value = '';
    await run(`${chosen.name.replace(/\.\w{1,4}$/, '')}-predictions.csv`, await chosen.text());
  };

  const runText = (): void => void run('predictions.csv', text.value);
  byId('predict-many').addEventListener('click', runText);
  byId('use-row').addEventListener('click', () => {
    const row = exampleRow();
    if (!model || !row) return;
    const names = model.inputs.map((input) => input.name);
    text.value = writeLine(names, ',') + writeLine(row.map(toText), ',');
    runText();
  });
  file.addEventListener('change', () => {
    void take(file.files?.[0]);
    // Choosing the same file again must be an event again.
    file.value = '';
  });
  for (const type of ['dragenter', 'dragover', 'dragleave', 'drop'] as const) {
    zone.addEventListener(type, (event) => {
      event.preventDefault();
      zone.classList.toggle('over', type === 'dragenter' || type === 'dragover');
      if (type === 'drop') void take(event.dataTransfer?.files[0]);
    });
  }
  return {
    use: (next, row) => {
      running?.abort();
      model = next;
      exampleRow = row;
      fail('');
      text.placeholder = writeLine(
        next.inputs.map(({ name }) => name),
        ',',
      );
    },
  };
}
