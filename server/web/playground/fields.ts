import type { Cell, Input } from './api.ts';
import { element } from '../shared/dom.ts';
import { freshId } from './dom.ts';
import { value as formatValue } from './numbers.ts';

/** The content of a field: a cell, or why there is none. */
export type Reading = { readonly cell: Cell } | { readonly fault: string };

/** A remark at a field. */
export interface Note {
  readonly kind: 'error' | 'warning';
  readonly message: string;
}

/** A column of the form. */
export interface Field {
  readonly element: HTMLElement;
  read(): Reading;
  /** Shows a remark, or none. */
  note(note?: Note): void;
  focus(): void;
}

/** A control and how it is read. */
interface Control {
  readonly elements: readonly HTMLElement[];
  /** The element that the label and the remarks belong to. */
  readonly main: HTMLElement;
  readonly read: () => Reading;
  readonly missing?: HTMLInputElement;
}

/** A longer list is searched by typing. */
const LONG_LIST = 200;
const OTHER = 'other';
const MISSING = 'missing';

/** Browsers trim the text of options; texts that would then look the same are quoted. */
function optionText(category: string, all: readonly string[]): string {
  const trimmed = category.trim();
  const alike = all.filter((other) => other.trim() === trimmed).length > 1;
  return trimmed === '' || alike ? JSON.stringify(category) : trimmed;
}

/** A list of known categories, with a way to enter another text. */
function categoryControl(id: string, input: Input, categories: readonly string[], example: Cell): Control {
  const other = element('input', {
    type: 'text',
    class: 'other',
    'aria-label': `${input.name}: other value`,
    autocomplete: 'off',
    spellcheck: 'false',
    hidden: true,
  });
  const select = element(
    'select',
    { id },
    // The value is an index: the text could equal the values of the two options below.
    ...categories.map((category, index) =>
      element(
        'option',
        { value: String(index), selected: category === example },
        optionText(category, categories),
      ),
    ),
    input.nullable ? element('option', { value: MISSING, selected: example === null }, 'Missing') : undefined,
    element('option', { value: OTHER }, 'Other value …'),
  );
  select.addEventListener('change', () => {
    other.hidden = select.value !== OTHER;
    if (!other.hidden) other.focus();
  });
  return {
    elements: [select, other],
    main: select,
    read: () => {
      if (select.value === MISSING) return { cell: null };
      return { cell: select.value === OTHER ? other.value : (categories[Number(select.value)] ?? '') };
    },
  };
}

function textControl(id: string, { categories }: Input, example: Cell): Control {
  const list = categories && freshId();
  const text = element('input', {
    id,
    type: 'text',
    value: typeof example === 'string' ? example : '',
    list,
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const options = categories?.map((category) => element('option', { value: category })) ?? [];
  return {
    elements: list === undefined ? [text] : [text, element('datalist', { id: list }, ...options)],
    main: text,
    read: () => ({ cell: text.value }),
  };
}

function numberControl(id: string, { type, nullable, range }: Input, example: Cell): Control {
  const number = element('input', {
    id,
    type: 'number',
    // A fraction can be typed into an integer column: the server refuses it with its reason.
    step: 'any',
    inputmode: type === 'integer' && (range?.[0] ?? -1) >= 0 ? 'numeric' : 'decimal',
    value: typeof example === 'number' ? String(example) : '',
    autocomplete: 'off',
  });
  const expected = type === 'integer' ? 'an integer' : 'a number';
  return {
    elements: [number],
    main: number,
    read: () =>
      number.value === ''
        ? { fault: nullable ? `Enter ${expected}, or tick “missing”.` : `Enter ${expected}.` }
        : { cell: Number(number.value) },
  };
}

function booleanControl(id: string, { nullable }: Input, example: Cell): Control {
  const options = ['false', 'true', ...(nullable ? [MISSING] : [])];
  const select = element(
    'select',
    { id },
    ...options.map((name) => element('option', { value: name, selected: name === String(example) }, name)),
  );
  return {
    elements: [select],
    main: select,
    read: () => ({ cell: select.value === MISSING ? null : select.value === 'true' }),
  };
}

/** Adds a checkbox: no text or number can mean "missing". */
function withMissing(control: Control, { name }: Input, example: Cell): Control {
  const missing = element('input', {
    type: 'checkbox',
    checked: example === null,
    'aria-label': `${name} is missing`,
  });
  const disable = (): void => {
    if (control.main instanceof HTMLInputElement) control.main.disabled = missing.checked;
  };
  missing.addEventListener('change', disable);
  disable();
  return { ...control, missing, read: () => (missing.checked ? { cell: null } : control.read()) };
}

function createControl(id: string, input: Input, example: Cell): Control {
  const { type, categories, nullable } = input;
  if (type === 'boolean') return booleanControl(id, input, example);
  if (type === 'string' && categories && categories.length <= LONG_LIST) {
    return categoryControl(id, input, categories, example);
  }
  const control = type === 'string' ? textControl(id, input, example) : numberControl(id, input, example);
  return nullable ? withMissing(control, input, example) : control;
}

function hintOf({ type, range, categories }: Input): string {
  if (range) return `${formatValue(range[0])} – ${formatValue(range[1])}`;
  if (categories && categories.length > LONG_LIST) return `${categories.length} known values`;
  return type === 'string' ? '' : type;
}

/** Makes a column's field. It starts with the example. */
export function createField(input: Input, example: Cell): Field {
  const [id, hintId, noteId] = [freshId(), freshId(), freshId()];
  const { elements, main, read, missing } = createControl(id, input, example);
  const hint = hintOf(input);
  const note = element('p', { class: 'note', id: noteId });
  main.setAttribute('aria-describedby', `${hintId} ${noteId}`);
  const made = element(
    'div',
    { class: 'field' },
    element('label', { for: id }, input.name),
    element('div', {}, ...elements),
    element(
      'div',
      { class: 'below' },
      element('p', { class: 'hint', id: hintId }, hint),
      missing && element('label', { class: 'missing' }, missing, 'missing'),
    ),
    note,
  );
  return {
    element: made,
    read,
    note: (remark) => {
      note.textContent = remark?.message ?? '';
      made.dataset['note'] = remark?.kind ?? '';
      main.setAttribute('aria-invalid', String(remark?.kind === 'error'));
    },
    focus: () => main.focus(),
  };
}
