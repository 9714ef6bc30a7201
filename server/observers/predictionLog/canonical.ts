import { hash } from 'node:crypto';

/**
 * Prepares the canonical text of objects with these names and JSON cells as their values: JSON without spaces, names in
 * the order of their UTF-16 code units, numbers and texts as JSON.stringify writes them (RFC 8785).
 *
 * @returns makes the text, given a function from an index of `names` to the cell
 */
export function createCanonical(names: readonly string[]): (cellAt: (at: number) => unknown) => string {
  const places = names
    .map((name, at) => ({ name, at }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, at }, place) => ({ key: `${place === 0 ? '{' : ','}${JSON.stringify(name)}:`, at }));
  return (cellAt) => {
    let text = places.length === 0 ? '{' : '';
    for (const { key, at } of places) text += key + JSON.stringify(cellAt(at) ?? null);
    return `${text}}`;
  };
}

/** The canonical text of one object. */
export function canonicalText(input: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(input);
  return createCanonical(names)((at) => input[names[at] as string]);
}

/** SHA-256 of a text's UTF-8, in hex. */
export const sha256Of = (text: string): string => hash('sha256', text);
