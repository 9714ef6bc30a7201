import { element } from '../shared/dom.ts';
import type { Media, Operation } from './document.ts';
import { formatJson } from './formatJson.ts';

/** The body that a form sends. */
export interface BodyField {
  readonly view: HTMLElement;
  contentType(): string;
  body(): string | FormData;
}

/** The editor of a body in one media type. It starts with one of the examples. */
interface Choice {
  readonly type: string;
  readonly label: string;
  readonly media: Media;
  readonly text: string;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : formatJson(value));

const choicesOf = (content: Readonly<Record<string, Media>>): Choice[] =>
  Object.entries(content).flatMap(([type, media]) => {
    const examples = Object.entries(media.examples ?? { body: { value: media.example ?? '' } });
    return examples.map(([name, { summary = name, value }]) => ({
      type,
      media,
      label: `${summary} (${type})`,
      text: textOf(value),
    }));
  });

/** The member of a form that takes a file. */
const fileMember = ({ schema: { properties = {} } }: Media): string =>
  Object.entries(properties).find(([, { format }]) => format === 'binary')?.[0] ?? 'file';

/** The control of a request's body: an editor, or a file for a form. */
export function bodyField(id: string, { content }: NonNullable<Operation['requestBody']>): BodyField {
  const choices = choicesOf(content);
  const select = element(
    'select',
    { id: `${id}-form` },
    ...choices.map(({ label }, index) => element('option', { value: String(index) }, label)),
  );
  const text = element('textarea', { id: `${id}-body`, rows: '10', spellcheck: 'false' });
  const file = element('input', { id: `${id}-file`, type: 'file', accept: '.csv,text/csv' });
  const current = (): Choice => choices[Number(select.value)] as Choice;
  const isForm = (): boolean => current().type === 'multipart/form-data';
  const textView = element('div', { class: 'field' }, element('label', { for: `${id}-body` }, 'Body'), text);
  const fileView = element('div', { class: 'field' }, element('label', { for: `${id}-file` }, 'File'), file);

  const show = (): void => {
    text.value = current().text;
    textView.hidden = isForm();
    fileView.hidden = !isForm();
  };
  select.addEventListener('change', show);
  show();
  return {
    view: element(
      'div',
      {},
      element('div', { class: 'field' }, element('label', { for: `${id}-form` }, 'Form'), select),
      textView,
      fileView,
    ),
    contentType: () => current().type,
    body: () => {
      if (!isForm()) return text.value;
      const form = new FormData();
      const [chosen] = file.files ?? [];
      if (chosen) form.append(fileMember(current().media), chosen);
      return form;
    },
  };
}
