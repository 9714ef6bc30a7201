import { element } from '../shared/dom.ts';

/** A text of the document, whose words between backticks are code. */
export const prose = (text: string): (Node | string)[] =>
  text.split('`').map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part));
