import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeJsonFault, findJsonFault, placeOf } from './jsonFault.ts';

const SINGLE = 'a text stands in single quotes; write double quotes';
const CUT = 'the text ends too early, as if it were cut off';
const COMMA = 'a comma stands before a closing bracket; remove it';
const NUMBER = 'a number has a form that JSON lacks; write digits with a point, as 0.5 or 1e3';
const COMMENT = 'JSON has no comments; remove it';
const KEY = 'a key has no quotes; write it in double quotes';

describe('a fault of JSON', () => {
  it.each<[string, string, number, number, string]>([
    [
      'NaN',
      '{"inputs":[{"name":"x","datatype":"FP64","shape":[1,4],"data":[NaN,3.5,1.4,0.2]}]}',
      1,
      64,
      'NaN is no value of JSON; write null',
    ],
    ['a negative NaN', '[-nan]', 1, 2, 'NaN is no value of JSON; write null'],
    ['Infinity', '[\n  1,\n  Infinity]', 3, 3, 'Infinity is no value of JSON; write null or a finite number'],
    ['-Infinity', '{"a":-Infinity}', 1, 6, 'Infinity is no value of JSON; write null or a finite number'],
    ['None', '{"a": None}', 1, 7, 'None is a value of Python; write null'],
    ['True', '[True]', 1, 2, 'true is written in lower case'],
    ['FALSE', '[FALSE]', 1, 2, 'false is written in lower case'],
    ['NULL', '[NULL]', 1, 2, 'null is written in lower case'],
    ['undefined', '[undefined]', 1, 2, 'undefined is no value of JSON; write null'],
    ['single quotes', "{'columns':['a'],'data':[]}", 1, 2, SINGLE],
    ['single quotes of a value', '{"a": \'b\'}', 1, 7, SINGLE],
    ['single quotes around all of it', "'{}'", 1, 1, SINGLE],
    ['bytes of Python', 'b\'{"a":1}\'', 1, 1, 'the text seems to be a literal of Python; send JSON'],
    ['a comma behind the last cell', '{"columns":["a"],"data":[[1],]}', 1, 29, COMMA],
    ['a comma behind the last member', '{"a":1,\n}', 1, 7, COMMA],
    ['a missing member', '{"a":}', 1, 6, 'a value is missing'],
    ['a missing cell', '[1,,2]', 1, 4, 'a value is missing before a comma'],
    ['a comment in C', '{"a":[] /* SECRET */}', 1, 9, COMMENT],
    ['a comment to the end of the line', '// SECRET\n{}', 1, 1, COMMENT],
    ['a comment of Python', '{# SECRET\n"a":1}', 1, 2, COMMENT],
    ['a key without quotes', '{columns:["a"]}', 1, 2, KEY],
    ['a number as a key', '{1:2}', 1, 2, KEY],
    ['a missing comma', '[1 2]', 1, 4, 'a comma is missing'],
    ['a missing comma between members', '{"a":1 "b":2}', 1, 8, 'a comma is missing'],
    ['a missing colon', '{"a" 1}', 1, 6, 'a colon is missing behind a key'],
    ['the other bracket', '{"a":[1}', 1, 8, 'a bracket is closed by the other kind; "]" is due'],
    ['a truncated body', '{"columns":["a"],"data":[[', 1, 27, CUT],
    ['a truncated string', '{"a": "SECR', 1, 12, `${CUT} within a string`],
    ['a truncated literal', '[tru', 1, 5, CUT],
    ['a truncated number', '[1.', 1, 4, CUT],
    ['a truncated escape', '["\\u00', 1, 7, CUT],
    ['a truncated key', '{"a"', 1, 5, CUT],
    ['a leading zero', '[01]', 1, 2, NUMBER],
    ['a leading plus', '[+1]', 1, 2, NUMBER],
    ['a leading point', '[.5]', 1, 2, NUMBER],
    ['a trailing point', '[5.]', 1, 2, NUMBER],
    ['a hexadecimal number', '[0x10]', 1, 2, NUMBER],
    ['an underscore', '[1_000]', 1, 2, NUMBER],
    [
      'a line end in a string',
      '["a\nb"]',
      1,
      4,
      'a line ends within a string; close the string, or write \\n',
    ],
    [
      'a tab in a string',
      '["a\t"]',
      1,
      4,
      'a control character stands within a string; write it as \\u and four digits',
    ],
    [
      'the last control character',
      '["a\u001f"]',
      1,
      4,
      'a control character stands within a string; write it as \\u and four digits',
    ],
    ['a backslash', '["C:\\dir"]', 1, 5, 'a backslash begins no escape of JSON; write it twice'],
    [
      'escapes without quotes',
      '{\\"a\\": 1}',
      1,
      2,
      'a backslash stands outside of a string, as if the text were escaped twice',
    ],
    [
      'typographic quotes',
      '{“a”: 1}',
      1,
      2,
      'a text stands in typographic quotes; write straight double quotes',
    ],
    ['another space', '{"a":\u00a01}', 1, 6, 'a space that JSON does not have; write a plain one'],
    ['a second byte order mark', '\uFEFF{}', 1, 1, 'a byte order mark stands within the text; remove it'],
    ['UTF-16', '{\0"\0a\0"\0', 1, 2, 'the text seems to be UTF-16; send UTF-8'],
    ['JSON lines', '{"a":1}\n{"a":2}\n', 2, 1, 'another value follows the first; send one list of rows'],
    ['more text', '{"a":1} SECRET', 1, 9, 'more text follows the end of the value; remove it'],
    [
      'a CSV',
      'age,job\n25,SECRET\n',
      1,
      1,
      'a word stands where a value is expected; write texts in double quotes, or send a CSV as text/csv',
    ],
    ['a page', '<html>', 1, 1, 'the text seems to be HTML or XML; send JSON'],
    ['a tuple', '[(1, 2)]', 1, 2, 'a bracket is round, as of a tuple; write a list in square brackets'],
    ['a fault behind characters of two units', '["😀😀", NaN]', 1, 8, 'NaN is no value of JSON; write null'],
  ])('is found and named: %s', (_, text, line, column, reason) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(describeJsonFault(text)).toBe(
      `The body is not valid JSON at line ${line}, column ${column}: ${reason}.`,
    );
  });

  it.each(['', ' \n', '\t'])('is that the body is empty: %j', (text) => {
    expect(describeJsonFault(text)).toBe('The text is empty where JSON is expected.');
  });

  it('is found exactly where JSON.parse refuses', () => {
    const token = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '"a"',
        '1',
        '-',
        '0',
        '.',
        'e',
        '+',
        'true',
        'null',
        'nul',
        '\\',
        'u00e9',
      ],
      ...[' ', '\n', '\t', '\r', '\u00a0', '\uFEFF', '\0', "'", '/', '#', 'NaN', '😀', '\u2028', '(', '<'],
    );
    const soup = fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join(''));
    const cut = fc.tuple(fc.json(), fc.nat(), fc.nat(3), token).map(([json, at, length, by]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + by + json.slice(place + length);
    });
    fc.assert(
      fc.property(fc.oneof(soup, cut, fc.json()), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        const found = findJsonFault(text);
        expect([text, found === undefined]).toEqual([text, isJson]);
        if (found && text.trim() !== '') expect(found.at).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 5000 },
    );
  });

  it('is found in the time that parsing takes, however deep or long the text', () => {
    const start = performance.now();
    for (const text of [
      '['.repeat(1_000_000),
      `["${'a'.repeat(3_000_000)}`,
      `[${'1,'.repeat(1_000_000)}]`,
      `${'\n'.repeat(1_000_000)}[`,
      '1'.repeat(1_000_000) + 'x',
      'x'.repeat(1_000_000),
      ' '.repeat(1_000_000) + 'x',
    ])
      describeJsonFault(text);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

it('a place is counted in lines and characters', () => {
  expect(placeOf('ab\r\ncd\n', 0)).toEqual({ line: 1, column: 1 });
  expect(placeOf('ab\r\ncd\n', 5)).toEqual({ line: 2, column: 2 });
  expect(placeOf('ab\r\ncd\n', 7)).toEqual({ line: 3, column: 1 });
});
