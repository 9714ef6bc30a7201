import { element } from '../shared/dom.ts';
import type { Parameter, Schema } from './document.ts';
import { prose } from './prose.ts';

/** A control with a text value; '' for none. */
export interface Field {
  readonly view: HTMLElement;
  value(): string;
}

/** The values that a schema accepts, if they are few. */
function choicesOf({ type, enum: values }: Schema): readonly string[] | undefined {
  if (values) return values.map(String);
  return type === 'boolean' || (Array.isArray(type) && type[0] === 'boolean') ? ['true', 'false'] : undefined;
}

/** A labelled list to choose from. */
export function choice(id: string, label: string, choices: readonly (readonly [string, string])[]): Field {
  const select = element(
    'select',
    { id },
    ...choices.map(([value, text]) => element('option', { value }, text)),
  );
  return {
    view: element('div', { class: 'field' }, element('label', { for: id }, label), select),
    value: () => select.value,
  };
}

/** The control of a parameter: a list if all values are known, suggestions if some are. */
export function parameterField(id: string, parameter: Parameter): Field {
  const { name, required, description, schema, example } = parameter;
  const choices = choicesOf(schema);
  const known = schema['x-known-categories'];
  const made = choices
    ? choice(
        id,
        name,
        ['', ...choices].map((value) => [value, value] as const),
      )
    : textField(id, name, {
        value: required ? String(example ?? '') : '',
        placeholder: required || example === undefined ? undefined : String(example),
        list: known && `${id}-known`,
      });
  if (known) {
    const options = known.map((value) => element('option', { value }));
    made.view.append(element('datalist', { id: `${id}-known` }, ...options));
  }
  if (description !== undefined) made.view.append(element('p', { class: 'faint' }, ...prose(description)));
  return made;
}

function textField(id: string, label: string, attributes: Record<string, string | undefined>): Field {
  const input = element('input', { id, type: 'text', autocomplete: 'off', ...attributes });
  return {
    view: element('div', { class: 'field' }, element('label', { for: id }, label), input),
    value: () => input.value,
  };
}
