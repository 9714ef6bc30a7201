import { describe, expect, it } from 'vitest';
import { createEncoder } from '../../encoding/encoder.ts';
import type { Model } from '../../model/model.ts';
import type { Input } from '../../model/signature.ts';
import { appDeps } from '../../testing/appDeps.ts';
import { createFakeInference } from '../../testing/fakeInference.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { createApp } from '../app.ts';

const NAMES = ['s_length', 's_width', 'p_length', 'p_width'];

/** A classification of four numbers, the first of which answers. */
function flowers(): Model {
  const inputs = NAMES.map((name): Input => ({
    name,
    onnx: name,
    type: 'number',
    nullable: name === 's_width',
  }));
  const output = { task: 'classification', label: 'l', probabilities: 'p', classes: ['a', 'b;c'] } as const;
  const { label, probabilities, classes } = output;
  return {
    ...tinyModel('flowers'),
    signature: { task: 'classification', inputs, outputs: { label, probabilities, classes } },
    encoder: createEncoder({ inputs }),
    output,
  };
}

type Send = (path: string, body: string | Buffer, accept?: string) => Promise<readonly [number, string]>;

function serve(): { readonly send: Send; readonly cells: () => number[] } {
  const inference = createFakeInference();
  const app = createApp(appDeps([flowers()], { inference }));
  return {
    send: async (path, body, accept = '*/*') => {
      const headers = { 'content-type': 'text/csv', accept };
      const answer = await app.request(path, { method: 'POST', headers, body: Buffer.from(body) }, {});
      return [answer.status, await answer.text()];
    },
    cells: () => inference.calls.flatMap(({ rows }) => Array.from(rows.cells)),
  };
}

const detailOf = (text: string): string => {
  const {
    detail,
    error,
    message,
    errors = [],
  } = JSON.parse(text) as {
    detail?: string;
    error?: string;
    message?: string;
    errors?: { message: string }[];
  };
  return [detail ?? error ?? message, ...errors.map((one) => one.message)].join(' | ');
};

const SEMICOLON = 's_length;s_width;p_length;p_width\n5,1;3,5;1,4;0,2\n';
const INDEX = ',s_length,s_width,p_length,p_width\n0,5.1,3.5,1.4,0.2\n';
const ROW = [5.1, 3.5, 1.4, 0.2];
const WHICH = ['s_length', 's_width', 'p_length', 'p_width'];
const UTF16 = 'The body seems to be UTF-16: send it in UTF-8, which spreadsheets write as "CSV UTF-8".';

const CASES: readonly [string, string | Buffer, string][] = [
  ['semicolons', SEMICOLON, 'The cells seem to be separated by ";"; send commas, or ?delimiter=;.'],
  [
    'a header in capitals',
    'S_LENGTH,S_WIDTH,P_LENGTH,P_WIDTH\n5.1,3.5,1.4,0.2\n',
    `names differ in letter case: send ${WHICH.map((name) => `"${name}" for "${name.toUpperCase()}"`).join(', ')}.`,
  ],
  [
    'NA and a decimal comma',
    's_length,s_width,p_length,p_width\nNA,3.5,1.4,0.2\n"5,1",3.5,1.4,0.2\n',
    'expected a number, found a text for a missing value, such as NA (this column takes no missing value)',
  ],
  [
    'a decimal comma beside NA',
    's_length,s_width,p_length,p_width\n"5,1",null,1.4,0.2\n',
    'expected a number, found a decimal comma: send a point, or ask with ?decimal=,',
  ],
  [
    'a missing value in a column that takes it',
    's_length,s_width,p_length,p_width\n5.1,N/A,1.4,0.2\n',
    'expected a number, found a text for a missing value, such as NA: leave the cell empty',
  ],
  [
    'booleans',
    's_length,s_width,p_length,p_width\ntrue,3.5,1.4,0.2\n',
    'expected a number, found a boolean: send 1 or 0',
  ],
  ['UTF-16', Buffer.from(`\uFEFF${SEMICOLON}`, 'utf16le'), UTF16],
  ['UTF-16 without a mark', Buffer.from(SEMICOLON, 'utf16le'), UTF16],
  ['UTF-16, big-endian', Buffer.from(SEMICOLON, 'utf16le').swap16(), UTF16],
];

describe.each(['/predict', '/predict_file', '/models/flowers/predict', '/invocations'])('%s', (path) => {
  it.each(CASES)('says what it saw, and what to send: %s', async (_, body, sentence) => {
    const [status, text] = await serve().send(path, body);
    expect([400, 422]).toContain(status);
    expect(detailOf(text)).toContain(sentence);
    expect(detailOf(text)).not.toMatch(/5[.,]1|3[.,]5/);
  });

  it.each<[string, string, string]>([
    ['?delimiter=;&decimal=,', 'semicolons and decimal commas', SEMICOLON],
    ['?delimiter=%3B&decimal=%2C', 'a byte order mark and sep=', `\uFEFFsep=;\r\n${SEMICOLON}`],
    ['?delimiter=tab', 'tabs', SEMICOLON.replaceAll(';', '\t').replaceAll(',', '.')],
    ['?delimiter=%09', 'tabs by themselves', SEMICOLON.replaceAll(';', '\t').replaceAll(',', '.')],
    ['?delimiter=|', 'pipes', SEMICOLON.replaceAll(';', '|').replaceAll(',', '.')],
    ['', "pandas' index", INDEX],
  ])('with %s takes %s', async (query, _, body) => {
    const app = serve();
    const [status, text] = await app.send(`${path}${query}`, body);
    expect([status, text]).toEqual([200, expect.stringContaining('{"predictions":["a"]')]);
    expect(app.cells()).toEqual(ROW);
  });

  it('refuses other delimiters by those that there are', async () => {
    const [status, text] = await serve().send(`${path}?delimiter=SECRET`, SEMICOLON);
    expect([status, detailOf(text)]).toEqual([
      400,
      'The query parameter delimiter takes one of: ",", ";", tab, "\\t", "|".',
    ]);
  });
});

describe("pandas' index", () => {
  const WARNING = {
    row: 0,
    column: '',
    code: 'index_column',
    message: "the first column has no name and holds 0, 1, 2, …: skipped as pandas' index",
  };

  it.each(['/predict', '/predict_file'])('is skipped with a warning: %s', async (path) => {
    const [status, text] = await serve().send(path, INDEX);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { predictions: ['a'], warnings: [WARNING], warningsTotal: 1 },
    ]);
  });

  it('is skipped in a file of many pieces, warned of once, and refused where its order breaks', async () => {
    const rows = Array.from({ length: 10_000 }, (_, at) => `${at},5.1,3.5,1.4,0.2`);
    const app = serve();
    const [status, text] = await app.send('/predict_file', [`,${NAMES.join()}`, ...rows].join('\n'));
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { predictions: rows.map(() => 'a'), warnings: [WARNING], warningsTotal: 1 },
    ]);
    expect(app.cells().length).toBe(40_000);
    rows[9_000] = '9,5.1,3.5,1.4,0.2';
    const [refused, detail] = await app.send('/predict_file', [`,${NAMES.join()}`, ...rows].join('\n'));
    expect([refused, detailOf(detail)]).toEqual([
      422,
      expect.stringContaining("is not pandas' index, since line 9002 breaks its order"),
    ]);
  });

  it('of any cells is skipped where the request says that other columns are', async () => {
    const [status, text] = await serve().send('/predict?extra=ignore', INDEX.replace('\n0', '\n17'));
    expect([status, text]).toEqual([200, '{"predictions":["a"]}']);
  });
});

describe('a file that is answered as CSV', () => {
  it('gets cells with its delimiter, its decimal sign and its line sep=', async () => {
    const query = '?delimiter=;&decimal=,&probabilities=true&on_error=null';
    const body = `sep=;\r\n${SEMICOLON.trimEnd()}\r\n75,5;3,5;1,4;0,2\r\nx;3,5;1,4;0,2\r\n`;
    const [status, text] = await serve().send(`/predict_file${query}`, body, 'text/csv');
    expect([status, text.replaceAll('\r', '').split('\n')]).toEqual([
      200,
      [
        'sep=;',
        's_length;s_width;p_length;p_width;prediction;probability_a;"probability_b;c"',
        '5,1;3,5;1,4;0,2;a;0,949;0,051',
        '75,5;3,5;1,4;0,2;"b;c";0,245;0,755',
        'x;3,5;1,4;0,2;;;',
        '',
      ],
    ]);
  });

  it('quotes decimal commas between commas', async () => {
    const [, text] = await serve().send(
      '/predict_file?decimal=,&probabilities=true&header=false',
      '"75,5",1,1,1',
      'text/csv',
    );
    expect(text).toBe('"75,5",1,1,1,b;c,"0,245","0,755"\n');
  });

  it('keeps its index', async () => {
    const [, text] = await serve().send('/predict_file', INDEX, 'text/csv');
    expect(text).toBe(`${INDEX.replace('p_width\n', 'p_width,prediction\n').trimEnd()},a\n`);
  });
});

it('parameters of a CSV are refused with JSON', async () => {
  const app = createApp(appDeps([flowers()]));
  for (const [query, name] of [
    ['?delimiter=;', 'delimiter'],
    ['?decimal=,', 'decimal'],
    ['?header=false', 'header'],
  ]) {
    const answer = await app.request(`/predict${query}`, { method: 'POST', body: Buffer.from('{}') }, {});
    expect([answer.status, detailOf(await answer.text())]).toEqual([
      400,
      `The query parameter ${name} is for bodies of type text/csv.`,
    ]);
  }
});

it('a row in the query is explained as a row of a CSV', async () => {
  const app = createApp(appDeps([flowers()]));
  const answer = await app.request('/predict?s_length=5,1&s_width=NA&p_length=1&p_width=1', {}, {});
  expect([answer.status, detailOf(await answer.text())]).toEqual([
    422,
    "Some rows do not match the model's signature. | expected a number, found a decimal comma: send a point | expected a number, found a text for a missing value, such as NA: leave the cell empty",
  ]);
});
