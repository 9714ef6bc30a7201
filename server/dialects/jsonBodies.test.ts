import { describe, expect } from 'vitest';
import { ADULT_COLUMNS, ADULT_ROW } from '../testing/adult.ts';
import { withApp } from '../testing/withApp.ts';

const record = Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, ADULT_ROW[at]]));
const table = { columns: ADULT_COLUMNS, data: [ADULT_ROW] };
const inputs = ADULT_COLUMNS.map((name, at) => ({
  name,
  datatype: typeof ADULT_ROW[at] === 'string' ? 'BYTES' : 'INT64',
  shape: [1],
  data: [ADULT_ROW[at]],
}));

/** Each dialect: its path, a body, and the part of it that some clients encode twice. */
const DIALECTS: readonly { path: string; body: object; part?: string; where?: string }[] = [
  { path: '/predict', body: table, part: 'data', where: '"data"' },
  { path: '/predict', body: [record] },
  { path: '/predict', body: table, part: 'columns', where: '"columns"' },
  {
    path: '/invocations',
    body: { dataframe_split: table },
    part: 'dataframe_split',
    where: 'The split form',
  },
  {
    path: '/invocations',
    body: { dataframe_records: [record] },
    part: 'dataframe_records',
    where: 'The records form',
  },
  { path: '/invocations', body: { instances: [record] }, part: 'instances', where: '"instances"' },
  { path: '/invocations', body: { inputs: [record] }, part: 'inputs', where: '"inputs"' },
  {
    path: '/v1/models/adult:predict',
    body: { instances: [record] },
    part: 'instances',
    where: '"instances"',
  },
  { path: '/v2/models/adult/infer', body: { inputs }, part: 'inputs', where: '"inputs"' },
];

/** The one sentence of an error, in any form. */
function sentenceOf(text: string): string | undefined {
  const { detail, error, message } = JSON.parse(text) as Record<string, string | undefined>;
  return detail ?? error ?? message;
}

describe.each(DIALECTS)('$path with $part', ({ path, body, part, where }) => {
  const text = JSON.stringify(body);

  withApp('says where the JSON is wrong, and why', async ({ request }) => {
    const send = async (sent: string | Buffer): Promise<string | undefined> => {
      const answer = await request(path, { method: 'POST', body: Buffer.from(sent) });
      expect(answer.status).toBe(400);
      return sentenceOf(answer.text);
    };
    const at = text.indexOf('25');
    expect(await send(text.replace('25', 'NaN'))).toBe(
      `The body is not valid JSON at line 1, column ${at + 1}: NaN is no value of JSON; write null.`,
    );
    expect(await send(`\uFEFF\n${text.replace('25', '-Infinity')}`)).toBe(
      `The body is not valid JSON at line 2, column ${at + 1}: Infinity is no value of JSON; write null or a finite number.`,
    );
    expect(await send(text.replace(/]([^\]]*)$/, ',]$1'))).toMatch(
      /: a comma stands before a closing bracket/,
    );
    expect(await send(text.replaceAll('"', "'"))).toMatch(/ column \d+: a text stands in single quotes/);
    expect(await send(text.slice(0, -1))).toMatch(/: the text ends too early, as if it were cut off\.$/);
    expect(await send('')).toBe('The text is empty where JSON is expected.');
    expect(await send(Buffer.from(`\uFEFF${text}`, 'utf16le'))).toMatch(/^The body seems to be UTF-16/);
    expect(await send(Buffer.from(text, 'utf16le'))).toMatch(/: the text seems to be UTF-16; send UTF-8\.$/);
    expect(await send(Buffer.from(`${text}é`, 'latin1'))).toMatch(/^The body is not valid UTF-8 at byte \d+/);
  });

  withApp('names JSON that was encoded twice', async ({ request }) => {
    const send = async (sent: unknown): Promise<unknown> => {
      const answer = await request(path, { method: 'POST', body: Buffer.from(JSON.stringify(sent)) });
      return [answer.status, sentenceOf(answer.text)];
    };
    const sentence = (subject: string): unknown => [
      400,
      `${subject} was encoded twice: pass the object or list, not its text as JSON.`,
    ];
    expect(await send(text)).toEqual(sentence('The body'));
    expect(await send(JSON.stringify(text))).toEqual(sentence('The body'));
    if (part === undefined || where === undefined) return;
    const twice = JSON.stringify((body as Record<string, unknown>)[part]);
    expect(await send({ ...body, [part]: twice })).toEqual(sentence(where));
  });

  withApp('takes a byte order mark', async ({ request }) => {
    const answer = await request(path, { method: 'POST', body: Buffer.from(`\uFEFF${text}`) });
    expect(answer.status).toBe(200);
  });
});

withApp(
  "numbered columns are named as those of a frame without names, in pandas' forms",
  async ({ request }) => {
    const columns = ADULT_COLUMNS.map((_, at) => at);
    const numbered = Object.fromEntries(ADULT_ROW.map((cell, at) => [at, cell]));
    for (const [path, body] of [
      ['/predict', { columns, data: [ADULT_ROW] }],
      ['/predict', [numbered]],
      ['/invocations', { dataframe_split: { columns, data: [ADULT_ROW] } }],
      ['/v1/models/adult:predict', { instances: [numbered] }],
    ] as const) {
      const answer = await request(path, { method: 'POST', body: Buffer.from(JSON.stringify(body)) });
      expect([400, 422]).toContain(answer.status);
      expect(sentenceOf(answer.text)).toMatch(
        /; numbers are the names of a frame without names: name its columns\.$/,
      );
    }
  },
);

withApp("every orient of pandas' to_json is answered or named", async ({ predict }) => {
  const rows = { '0': record };
  const columns = Object.fromEntries(Object.entries(record).map(([name, cell]) => [name, { '0': cell }]));
  const schema = { fields: [{ name: 'index', type: 'integer' }], primaryKey: ['index'] };
  for (const body of [
    { ...table, index: [0] },
    [record],
    { schema, data: [{ index: 0, ...record }] },
    Object.fromEntries(Object.entries(record).map(([name, cell]) => [name, [cell]])),
  ])
    expect((await predict(body)).text).toBe('{"predictions":[" <=50K"]}');
  for (const [body, sentence] of [
    [columns, /to_json\(orient="columns"\).*send orient="split" or orient="records"\.$/],
    [rows, /to_json\(orient="index"\).*send orient="split" or orient="records"\.$/],
    [[ADULT_ROW], /^A list must hold one object a row: .*send to_json\(orient="split"\)/],
  ] as const) {
    const answer = await predict(body);
    expect([answer.status, sentenceOf(answer.text)]).toEqual([400, expect.stringMatching(sentence)]);
  }
});
