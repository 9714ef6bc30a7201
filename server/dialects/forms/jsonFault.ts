import { explainWord, explainSign } from './jsonCauses.ts';

// Runs only on a text that JSON.parse has refused: its own messages differ from one version of Node.js to the next.

/** Where a text stops being JSON, and why. The reason never repeats the text. */
export interface JsonFault {
  readonly at: number;
  readonly reason: string;
}

const fault = (at: number, reason: string): JsonFault => ({ at, reason });

const CUT_OFF = 'the text ends too early, as if it were cut off';
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /-?[A-Za-z_$][\w$]*/y;
const LITERALS = ['true', 'false', 'null'];
const ESCAPES = '"\\/bfnrt';
const CONTROL = 0x20;
const TRAILING_COMMA = 'a comma stands before a closing bracket; remove it';

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function skipSpace(text: string, at: number): number {
  let end = at;
  while (text[end] === ' ' || text[end] === '\n' || text[end] === '\r' || text[end] === '\t') end++;
  return end;
}

/** @returns the position behind the string that begins here */
function readString(text: string, from: number): number | JsonFault {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < CONTROL)
      return fault(
        at,
        code === 0x0a || code === 0x0d
          ? 'a line ends within a string; close the string, or write \\n'
          : 'a control character stands within a string; write it as \\u and four digits',
      );
    if (code !== 0x5c) continue;
    at++;
    if (at >= text.length) break;
    const digits = text[at] === 'u' ? text.slice(at + 1, at + 5) : undefined;
    const isEscape =
      digits === undefined ? ESCAPES.includes(text[at] as string) : /^[\da-f]{4}$/i.test(digits);
    if (isEscape) continue;
    const isCut = digits !== undefined && at + 5 > text.length && /^[\da-f]*$/i.test(digits);
    return isCut
      ? fault(text.length, CUT_OFF)
      : fault(at - 1, 'a backslash begins no escape of JSON; write it twice');
  }
  return fault(text.length, `${CUT_OFF} within a string`);
}

/** @returns the position behind the number or literal that begins here */
function readPlain(text: string, at: number): number | JsonFault {
  const number = matchAt(NUMBER, text, at);
  const end = at + number.length;
  if (number !== '' && !/[\w.+]/.test(text[end] ?? '')) return end;
  const word = matchAt(WORD, text, at);
  if (LITERALS.includes(word)) return at + word.length;
  if (at + word.length === text.length && word !== '' && LITERALS.some((literal) => literal.startsWith(word)))
    return fault(text.length, CUT_OFF);
  if (word !== '') return fault(at, explainWord(word, text[at + word.length]));
  if (number !== '' && /^[.eE]$/.test(text.slice(end, end + 2))) return fault(text.length, CUT_OFF);
  if (/[-+.\d]/.test(text[at] as string))
    return fault(at, 'a number has a form that JSON lacks; write digits with a point, as 0.5 or 1e3');
  return fault(at, explainSign(text, at) ?? 'a value is missing');
}

/** What is expected next; `first` where a list or an object may end at once. */
type State = 'value' | 'first value' | 'key' | 'first key' | 'next';

/** The first fault of a text as JSON; undefined if there is none. */
export function findJsonFault(text: string): JsonFault | undefined {
  /** The closing brackets that are due. */
  const open: ('}' | ']')[] = [];
  let state: State = 'value';
  let comma = 0;
  let at = 0;
  for (;;) {
    at = skipSpace(text, at);
    const char = text[at];
    if (char === undefined) {
      if (state === 'next' && open.length === 0) return undefined;
      return fault(at, at === 0 || open.length === 0 ? 'it is empty' : CUT_OFF);
    }
    const due = open.at(-1);
    if (char === due && state !== 'value' && state !== 'key') {
      open.pop();
      state = 'next';
      at++;
    } else if (state === 'next') {
      if (due === undefined) return fault(at, explainRest(text, at));
      if (char !== ',') return fault(at, explainNext(text, at, due));
      comma = at++;
      state = due === '}' ? 'key' : 'value';
    } else if (state === 'key' || state === 'first key') {
      const colon = readKey(text, at, state === 'key' ? comma : undefined);
      if (typeof colon !== 'number') return colon;
      at = colon + 1;
      state = 'value';
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? '}' : ']');
      state = char === '{' ? 'first key' : 'first value';
      at++;
    } else if (char === due && text[comma] === ',' && skipSpace(text, comma + 1) === at) {
      return fault(comma, TRAILING_COMMA);
    } else {
      const end = char === '"' ? readString(text, at) : readPlain(text, at);
      if (typeof end !== 'number') return end;
      at = end;
      state = 'next';
    }
  }
}

/** @returns the position of the colon behind the key that begins here */
function readKey(text: string, at: number, comma: number | undefined): number | JsonFault {
  if (text[at] !== '"') {
    if (text[at] === '}' && comma !== undefined) return fault(comma, TRAILING_COMMA);
    if (/[\w$-]/.test(text[at] as string)) return fault(at, 'a key has no quotes; write it in double quotes');
    return fault(at, explainSign(text, at) ?? 'a key in double quotes is missing');
  }
  const end = readString(text, at);
  if (typeof end !== 'number') return end;
  const colon = skipSpace(text, end);
  if (text[colon] === ':') return colon;
  return fault(colon, colon >= text.length ? CUT_OFF : 'a colon is missing behind a key');
}

function explainRest(text: string, at: number): string {
  if (/[{[,]/.test(text[at] as string)) return 'another value follows the first; send one list of rows';
  return explainSign(text, at) ?? 'more text follows the end of the value; remove it';
}

function explainNext(text: string, at: number, due: string): string {
  const char = text[at] as string;
  if (char === '}' || char === ']') return `a bracket is closed by the other kind; "${due}" is due`;
  if (/["{[\w-]/.test(char)) return 'a comma is missing';
  return explainSign(text, at) ?? `a comma or "${due}" is missing`;
}

/** Line and column of a position, both from 1, in characters. */
export function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', end + 1)) {
    line++;
    start = end + 1;
  }
  let column = 1;
  for (let index = start; index < at; index++) {
    const code = text.charCodeAt(index);
    // The second half of a character outside the basic plane.
    if (code < 0xdc00 || code > 0xdfff) column++;
  }
  return { line, column };
}

/** Why a text is no JSON, as one sentence. */
export function describeJsonFault(text: string): string {
  const found = findJsonFault(text);
  if (found === undefined) return 'The body is not valid JSON.';
  if (text.trim() === '') return 'The text is empty where JSON is expected.';
  const { line, column } = placeOf(text, found.at);
  return `The body is not valid JSON at line ${line}, column ${column}: ${found.reason}.`;
}
