import { element } from '../shared/dom.ts';
import { formatJson } from './formatJson.ts';
import type { Received } from './request.ts';

/** Longer bodies are cut, since their layout takes long. */
const MAX_SHOWN = 200_000;

function readable({ type, text }: Received): string {
  if (!/[/+]json\b/.test(type)) return text;
  try {
    return formatJson(JSON.parse(text));
  } catch {
    return text;
  }
}

/** An answer: status and time, headers, body. */
export function answerView(received: Received): Node {
  const { status, statusText, milliseconds, headers } = received;
  const body = readable(received);
  const shown = body.length > MAX_SHOWN ? `${body.slice(0, MAX_SHOWN)}\n…` : body;
  return element(
    'div',
    {},
    element(
      'p',
      { class: 'status' },
      element('strong', { class: status < 400 ? 'good' : 'bad' }, `${status} ${statusText}`),
      ` in ${milliseconds.toFixed(1)} ms`,
    ),
    element('pre', { class: 'body', tabindex: '0', 'aria-label': 'Body of the answer' }, shown),
    element(
      'details',
      {},
      element('summary', {}, `${headers.length} headers`),
      element('pre', {}, headers.map(([name, value]) => `${name}: ${value}`).join('\n')),
    ),
  );
}
