import { looksUtf16 } from './utf8.ts';

// What other languages and habits write in the place of JSON.

/** By the word in lower case, without a sign. */
const WORDS: Readonly<Record<string, string>> = {
  nan: 'NaN is no value of JSON; write null',
  na: 'NA is no value of JSON; write null',
  nat: 'NaT is no value of JSON; write null',
  inf: 'infinity is no value of JSON; write null or a finite number',
  infinity: 'Infinity is no value of JSON; write null or a finite number',
  none: 'None is a value of Python; write null',
  undefined: 'undefined is no value of JSON; write null',
  nil: 'nil is no value of JSON; write null',
  null: 'null is written in lower case',
  true: 'true is written in lower case',
  false: 'false is written in lower case',
};

/** Why a bare word is no JSON. @param next the sign behind it */
export function explainWord(word: string, next = ''): string {
  if (/^[bru]$/.test(word) && /['"]/.test(next)) return 'the text seems to be a literal of Python; send JSON';
  const bare = word.replace(/^-/, '').toLowerCase();
  return Object.hasOwn(WORDS, bare)
    ? (WORDS[bare] as string)
    : 'a word stands where a value is expected; write texts in double quotes, or send a CSV as text/csv';
}

const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/'/y, 'a text stands in single quotes; write double quotes'],
  [/\/[/*]|#/y, 'JSON has no comments; remove it'],
  [/[\u2018-\u201f\u00ab\u00bb`]/y, 'a text stands in typographic quotes; write straight double quotes'],
  [/\\/y, 'a backslash stands outside of a string, as if the text were escaped twice'],
  [/\ufeff/y, 'a byte order mark stands within the text; remove it'],
  [
    /[\u00a0\u2000-\u200b\u2028\u2029\u202f\u3000\v\f]/y,
    'a space that JSON does not have; write a plain one',
  ],
  [/</y, 'the text seems to be HTML or XML; send JSON'],
  [/,/y, 'a value is missing before a comma'],
  [/\(/y, 'a bracket is round, as of a tuple; write a list in square brackets'],
];

/** Why a sign is no JSON where it stands; undefined if nothing is known of it. */
export function explainSign(text: string, at: number): string | undefined {
  if (at < 2 && looksUtf16(text)) return 'the text seems to be UTF-16; send UTF-8';
  return SIGNS.find(([pattern]) => {
    pattern.lastIndex = at;
    return pattern.test(text);
  })?.[1];
}
