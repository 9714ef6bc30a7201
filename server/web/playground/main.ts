import type { Explanations, ModelDetails, Outcome } from './api.ts';
import { explainPath, namesOfValues, predictPath, requestBody } from './api.ts';
import { fetchModel, fetchModelNames, send } from './calls.ts';
import { createCopyAs } from './copyAs.ts';
import { byId, element } from '../shared/dom.ts';
import { part } from './dom.ts';
import type { Form } from './form.ts';
import { createForm } from './form.ts';
import { createLive } from './live.ts';
import { createMany } from './many.ts';
import { createResult } from './result.ts';
import { createWhy, showImportance } from './why.ts';

/** A pause in typing after which a request is sent. */
const PAUSE_MS = 200;

const [formElement, fields, select, description, modelLink] = [
  part('form', HTMLFormElement),
  byId('fields'),
  part('model', HTMLSelectElement),
  byId('description'),
  part('model-json', HTMLAnchorElement),
];
const result = createResult();
const why = createWhy();
const many = createMany();
const showCall = createCopyAs();
const showTiming = createLive();

let shown: { readonly model: ModelDetails; readonly form: Form } | undefined;
let sending: AbortController | undefined;
let pause: ReturnType<typeof setTimeout> | undefined;

function showOutcome({ form, model }: NonNullable<typeof shown>, outcome: Outcome): void {
  showTiming(outcome.timing);
  if ('answer' in outcome) {
    form.show('warning', outcome.answer.warnings ?? []);
    result.answer(outcome.answer, outcome.timing, namesOfValues(model));
  } else {
    result.refuse(outcome.refusal, form.show('error', outcome.refusal.errors ?? []));
    why.hide();
  }
}

/** Explains an answered row, where the model can be explained. */
async function explainRow(model: ModelDetails, body: string, signal: AbortSignal): Promise<void> {
  const path = explainPath(model);
  if (path === undefined) return why.hide();
  const outcome = await send<Explanations>(path, body, signal);
  if (signal.aborted) return;
  if ('refusal' in outcome) return why.hide(outcome.refusal.detail);
  const { explanations, space } = outcome.answer;
  const [first] = explanations;
  if (first) why.show(first, space);
}

/** Sends the form's row to the model. Only the last answer is shown. */
async function predictRow(): Promise<void> {
  clearTimeout(pause);
  sending?.abort();
  if (!shown) return;
  const { model, form } = shown;
  const row = form.read();
  if (!row) {
    result.incomplete();
    why.hide();
    return;
  }
  const path = predictPath(model);
  showCall({ url: `${location.origin}${path}`, columns: form.columns, row });
  const { signal } = (sending = new AbortController());
  try {
    const body = requestBody(form.columns, [row]);
    const outcome = await send(path, body, signal);
    if (signal.aborted) return;
    showOutcome({ form, model }, outcome);
    // Not awaited: the prediction is shown.
    if ('answer' in outcome) void explainRow(model, body, signal).catch(() => undefined);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function use(name: string): Promise<void> {
  const model = await fetchModel(name);
  if (select.value !== name) return;
  const form = createForm(model);
  shown = { model, form };
  fields.replaceChildren(...form.elements);
  description.textContent = model.description ?? '';
  modelLink.href = `/models/${encodeURIComponent(name)}`;
  many.use(model, form.read);
  why.hide();
  showImportance(model);
  await predictRow();
}

formElement.addEventListener('submit', (event) => {
  event.preventDefault();
  void predictRow().then(() => shown?.form.focusFirstError());
});
formElement.addEventListener('input', () => {
  clearTimeout(pause);
  pause = setTimeout(() => void predictRow(), PAUSE_MS);
});
byId('reset').addEventListener('click', () => void start());
select.addEventListener('change', () => void start());

async function start(): Promise<void> {
  try {
    await use(select.value);
  } catch {
    result.refuse(
      { detail: 'The model could not be read from the server. Reload the page to try again.' },
      [],
    );
  }
}

try {
  const names = await fetchModelNames();
  select.replaceChildren(...names.map((name) => element('option', { value: name }, name)));
} catch {
  // `start` shows the error.
}
await start();
