import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { Problem } from '../../../server/errors/problem.ts';
import type { CsvForm } from '../../../server/dialects/forms/csv.ts';
import { createCsvTable } from '../../../server/dialects/forms/csv.ts';
import { DELIMITERS } from '../../../server/dialects/forms/delimiter.ts';
import { describeJsonFault, findJsonFault } from '../../../server/dialects/forms/jsonFault.ts';
import { createUtf8Decoder, requireUtf8 } from '../../../server/dialects/forms/utf8.ts';
import type { Input } from '../../../server/model/signature.ts';
import type { Target } from './target.ts';

// Readers of text, and the sentences by which they refuse one: neither may depend on the pieces in which it comes.

/** What a reader returns, or the code and sentence of its refusal. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    const sentences = [error.message, ...(error.extensions.errors ?? []).map(({ message }) => message)];
    for (const sentence of sentences)
      if (/[\r\n]/.test(sentence) || sentence.length > 8192) throw new Error('a refusal is not one sentence');
    return [error.code, sentences];
  }
}

/** All forms of a CSV that a request can ask for. */
export const CSV_FORMS: readonly CsvForm[] = DELIMITERS.flatMap((delimiter) =>
  (['.', ','] as const).flatMap((decimal) =>
    [true, false].map((header) => ({ delimiter, decimal, header, ignoreExtra: decimal === ',' })),
  ),
);

/** The rows of a CSV that comes in pieces of `size` characters. */
function rowsOf(text: string, inputs: readonly Input[], form: CsvForm, size: number): unknown {
  return outcome(() => {
    const table = createCsvTable(inputs, form);
    const rows: unknown[] = [];
    const remarks: unknown[] = [];
    const take = (): void => {
      const { columns = [], data = [], lines = [], warnings = [] } = table.take() ?? {};
      data.forEach((row, at) => rows.push([columns, row, lines[at]]));
      remarks.push(...warnings);
    };
    for (let at = 0; at < text.length; at += size) {
      table.write(text.slice(at, at + size));
      take();
    }
    table.end();
    take();
    return { rows, remarks };
  });
}

function textOf(bytes: Buffer, size: number): unknown {
  return outcome(() => {
    const decode = createUtf8Decoder();
    let text = '';
    for (let at = 0; at < bytes.length; at += size) text += decode(bytes.subarray(at, at + size));
    return text + decode();
  });
}

function checkJson(input: Buffer): void {
  const text = input.toString('utf8');
  let isJson = true;
  try {
    JSON.parse(text);
  } catch {
    isJson = false;
  }
  const fault = findJsonFault(text);
  if ((fault === undefined) !== isJson) throw new Error('the search for a fault disagrees with JSON.parse');
  if (fault === undefined) return;
  if (fault.at > text.length) throw new Error('the fault is behind the text');
  if (!/^The (?:body|text) [^\r\n]*\.$/.test(describeJsonFault(text))) throw new Error('no sentence');
}

export function textTargets(inputs: readonly Input[], row: readonly unknown[]): Target[] {
  const names = inputs.map(({ name }) => name);
  const csv = `${names.join()}\n${row.join()}\n${row.join()}\n`;
  const table = JSON.stringify({ columns: names, data: [row] });
  return [
    {
      name: 'csv-forms',
      seeds: [
        csv,
        csv.replaceAll(',', ';'),
        `sep=;\r\n${csv.replaceAll(',', ';')}`,
        csv.replaceAll(',', '\t'),
        csv.toUpperCase(),
        `,${csv.replace('\n', '\n0,').replace(/\n(?=[^\n]+\n$)/, '\n1,')}`,
        `${row.join('|')}\n`,
      ].map((text) => Buffer.from(text)),
      words: [
        '"',
        ';',
        '|',
        '\t',
        ',',
        '\n',
        '\r\n',
        'sep=;\n',
        '"sep=,"\n',
        'NA',
        '5,1',
        '5.1',
        'true',
        '\0',
        '0',
        '1',
      ],
      check: (input) => {
        const text = input.toString('utf8');
        for (const form of CSV_FORMS) {
          const whole = rowsOf(text, inputs, form, Math.max(1, text.length));
          for (const size of [1, 7])
            if (!isDeepStrictEqual(rowsOf(text, inputs, form, size), whole))
              throw new Error(`pieces of ${size} give other rows with ${JSON.stringify(form)}`);
        }
      },
    },
    {
      name: 'utf8',
      seeds: [
        Buffer.from('age,größe\n1,😀\n'),
        Buffer.from('age,größe\n1,é\n', 'latin1'),
        Buffer.from('\uFEFFage\n1\n', 'utf16le'),
        Buffer.from('age\n1\n', 'utf16le'),
      ],
      words: [
        '\xff\xfe',
        '\xfe\xff',
        '\xc3',
        '\xe2\x82',
        '\xf0\x9f\x98',
        '\0',
        '\xef\xbf\xbd',
        '\xed\xa0\x80',
      ],
      check: (input) => {
        const whole = textOf(input, Math.max(1, input.length));
        // UTF-16 is found by its first four bytes, which any piece of a file has.
        for (const size of [4, 5, 9])
          if (!isDeepStrictEqual(textOf(input, size), whole)) throw new Error(`pieces of ${size} differ`);
        const required = outcome(() => requireUtf8(input));
        if ((required === undefined) !== isUtf8(input)) throw new Error('bytes are taken that are not UTF-8');
        if (required !== undefined && !isDeepStrictEqual(required, whole))
          throw new Error('bodies and files differ');
      },
    },
    {
      name: 'json-fault',
      seeds: [
        table,
        table.replace('25', 'NaN'),
        table.replaceAll('"', "'"),
        `${table}\n${table}`,
        '[1,2,]',
        '{"a":}',
      ].map((text) => Buffer.from(text)),
      words: [
        'NaN',
        '-Infinity',
        'None',
        "'",
        ',]',
        ',}',
        '//',
        '/*',
        '#',
        '\\"',
        '\\u00',
        '01',
        '1e',
        '{',
        '}',
        '[',
        ']',
        '“',
        '\u00a0',
        '\uFEFF',
        ':',
        '"',
        '\n',
        '\0',
      ],
      check: checkJson,
    },
  ];
}
