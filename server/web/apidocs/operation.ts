import { element } from '../shared/dom.ts';
import type { Answer, ApiDocument, Operation } from './document.ts';
import { resolveAnswer } from './document.ts';
import { formatJson } from './formatJson.ts';
import { prose } from './prose.ts';
import { schemaView } from './schema.ts';
import { tryIt } from './tryIt.ts';

/** The answer with one status: its bodies, with an example of each. */
function answer(api: ApiDocument, status: string, given: Answer): HTMLElement {
  const { description, content = {} } = resolveAnswer(api, given);
  const bodies = Object.entries(content).flatMap(([type, { schema, example, examples = {} }]) => [
    element('p', {}, element('code', {}, type)),
    schemaView(schema),
    ...[example, ...Object.values(examples).map(({ value }) => value)]
      .filter((value) => value !== undefined)
      .map((value) => element('pre', {}, typeof value === 'string' ? value : formatJson(value))),
  ]);
  return element(
    'details',
    { class: 'response' },
    element(
      'summary',
      {},
      element('strong', { class: status < '400' ? 'good' : 'bad' }, status),
      ' ',
      ...prose(description.replaceAll('\n', ' ')),
    ),
    ...bodies,
  );
}

/** An operation, folded. Its content is made when it is first opened. */
export function operationView(
  api: ApiDocument,
  method: string,
  path: string,
  operation: Operation,
): HTMLElement {
  const { operationId, summary, description, requestBody, responses } = operation;
  const view = element(
    'details',
    { class: 'operation', id: operationId },
    element(
      'summary',
      {},
      element('span', { class: `method ${method}` }, method.toUpperCase()),
      element('code', { class: 'path' }, path),
      element('span', { class: 'faint' }, summary),
    ),
  );
  const fill = (): void => {
    view.append(
      element(
        'div',
        { class: 'inside' },
        description !== undefined && element('p', {}, description),
        element('h3', {}, 'Try it'),
        tryIt(method, path, operation),
        requestBody && element('h3', {}, 'Body'),
        ...Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) =>
          element('div', {}, element('code', {}, type), schemaView(schema)),
        ),
        element('h3', {}, 'Answers'),
        ...Object.entries(responses).map(([status, given]) => answer(api, status, given)),
      ),
    );
  };
  view.addEventListener('toggle', fill, { once: true });
  return view;
}
