import { element } from '../shared/dom.ts';

/** Renders a text of the document. Words in backticks are code. */
export const prose = (text: string): (Node | string)[] =>
  text.split('`').map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part));
