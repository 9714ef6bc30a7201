import { element } from '../shared/dom.ts';
import type { Schema } from './document.ts';
import { nameOf } from './document.ts';
import { prose } from './prose.ts';

/** The type of a schema, in a word or two. A component is a link to its place on the page. */
function typeOf(schema: Schema): Node {
  const { $ref, type, items, anyOf, format } = schema;
  const made = element('code', { class: 'type' });
  if ($ref !== undefined) {
    const name = nameOf($ref);
    made.append(element('a', { href: `#schema-${name}` }, name));
  } else if (anyOf) {
    anyOf.forEach((choice, index) => made.append(index === 0 ? '' : ' | ', typeOf(choice)));
  } else if ('const' in schema) {
    made.append(JSON.stringify(schema.const));
  } else if (items) {
    made.append('list of ', typeOf(items));
  } else {
    const types = type === undefined ? 'anything' : typeof type === 'string' ? type : type.join(' | ');
    made.append(format === undefined ? types : `${types} (${format})`);
  }
  return made;
}

/** A long list of values, folded. */
const values = (title: string, list: readonly unknown[]): Node =>
  element(
    'details',
    { class: 'values' },
    element('summary', {}, `${list.length} ${title}`),
    element('ul', {}, ...list.map((value) => element('li', {}, element('code', {}, JSON.stringify(value))))),
  );

/** A schema with all its details. */
export function schemaView(schema: Schema): HTMLElement {
  const { description, properties, required = [], items, minimum, maximum } = schema;
  const known = schema['x-known-categories'];
  const bounds = minimum !== undefined && maximum !== undefined && `${minimum} … ${maximum}`;
  const of = items?.properties || items?.enum ? items : undefined;
  return element(
    'div',
    { class: 'schema' },
    element('span', {}, typeOf(schema), bounds && element('span', { class: 'faint' }, ` ${bounds}`)),
    description !== undefined && element('p', { class: 'faint' }, ...prose(description)),
    schema.enum && values('values', schema.enum),
    known && values('known categories', known),
    of && schemaView(of),
    properties &&
      element(
        'dl',
        {},
        ...Object.entries(properties).flatMap(([name, property]) => [
          element(
            'dt',
            {},
            element('code', {}, name),
            required.includes(name) && element('span', { class: 'required' }, ' required'),
          ),
          element('dd', {}, schemaView(property)),
        ]),
      ),
  );
}
