import { element } from '../shared/dom.ts';
import { answerView } from './answer.ts';
import { bodyField } from './bodyField.ts';
import type { Operation } from './document.ts';
import { choice, parameterField } from './field.ts';
import type { FilledRequest } from './request.ts';
import { sendRequest } from './request.ts';

/** A form that sends an operation's request and shows the answer. */
export function tryIt(method: string, path: string, operation: Operation): HTMLElement {
  const { operationId, parameters = [], requestBody, responses } = operation;
  const fields = parameters.map(
    (parameter) => [parameter, parameterField(`${operationId}-${parameter.name}`, parameter)] as const,
  );
  const body = requestBody && bodyField(operationId, requestBody);
  const types = Object.keys(responses['200']?.content ?? {});
  const accept =
    types.length > 1
      ? choice(
          `${operationId}-accept`,
          'Answer',
          types.map((type) => [type, type] as const),
        )
      : undefined;
  const output = element('div', { class: 'answer', role: 'status' });
  const button = element('button', { class: 'primary', type: 'submit' }, 'Send');
  const form = element(
    'form',
    { class: 'try' },
    fields.length > 0 && element('div', { class: 'fields' }, ...fields.map(([, { view }]) => view)),
    body?.view,
    accept?.view,
    element('p', {}, button, element('span', { class: 'faint' }, ' or Ctrl+Enter')),
    output,
  );

  const filled = (): FilledRequest => ({
    method,
    path,
    parameters: fields.map(([parameter, field]) => [parameter, field.value()] as const),
    contentType: body?.contentType(),
    accept: accept?.value(),
    body: body?.body(),
  });
  const submit = async (): Promise<void> => {
    button.disabled = true;
    try {
      output.replaceChildren(answerView(await sendRequest(filled())));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      output.replaceChildren(element('p', { class: 'bad' }, `No answer: ${reason}`));
    } finally {
      button.disabled = false;
      // A disabled button loses the focus, and a keyboard user the place on the page.
      button.focus({ preventScroll: true });
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void submit();
  });
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  return form;
}
