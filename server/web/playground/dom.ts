import { byId, element } from '../shared/dom.ts';

/** An element of index.html, by its id and type. */
export function part<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = byId(id);
  if (!(found instanceof type)) throw new Error(`#${id} is another element`);
  return found;
}

const SVG = 'http://www.w3.org/2000/svg';

/** Makes an SVG element. */
export function drawing(
  tag: string,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly Node[]
): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

let ids = 0;
/** A new id, which no name in a model can equal. */
export const freshId = (): string => `e${ids++}`;

/** Saves a text as a file on the user's machine. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element('a', { href: url, download: name }).click();
  // If it were revoked at once, a large file would not be written.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
