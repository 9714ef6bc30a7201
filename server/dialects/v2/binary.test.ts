import fc from 'fast-check';
import { expect } from 'vitest';
import { ADULT_COLUMNS, ADULT_ROW } from '../../testing/adult.ts';
import type { Answer } from '../../testing/httpClient.ts';
import type { AppUnderTest } from '../../testing/withApp.ts';
import { withApp } from '../../testing/withApp.ts';

const HEADER = 'inference-header-content-length';

function textBytes(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([length, bytes]);
    }),
  );
}

/** Numbers as one of the binary datatypes. */
function numberBytes(datatype: string, numbers: readonly number[]): Buffer {
  const size = datatype === 'BOOL' ? 1 : Number(datatype.replace(/\D+/, '')) / 8;
  const bytes = Buffer.alloc(size * numbers.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  numbers.forEach((value, index) => {
    const at = index * size;
    if (datatype === 'FP32') view.setFloat32(at, value, true);
    else if (datatype === 'FP64') view.setFloat64(at, value, true);
    else if (size === 8) view.setBigInt64(at, BigInt(value), true);
    else if (size === 4) view.setInt32(at, value, true);
    else if (size === 2) view.setInt16(at, value, true);
    else view.setInt8(at, value);
  });
  return bytes;
}

interface BinaryBody {
  header: Record<string, unknown>;
  rest: Buffer;
}

/** Two rows, every column as binary data; numbers in one datatype or another. */
function binaryBody(numeric: string, rows: readonly (readonly unknown[])[]): BinaryBody {
  const parts: Buffer[] = [];
  const inputs = ADULT_COLUMNS.map((name, at) => {
    const cells = rows.map((row) => row[at]);
    const text = typeof ADULT_ROW[at] === 'string';
    const bytes = text ? textBytes(cells as string[]) : numberBytes(numeric, cells as number[]);
    parts.push(bytes);
    const parameters = { binary_data_size: bytes.length };
    return { name, datatype: text ? 'BYTES' : numeric, shape: [rows.length], parameters };
  });
  return { header: { inputs }, rest: Buffer.concat(parts) };
}

function post({ request }: AppUnderTest, { header, rest }: BinaryBody, length?: string): Promise<Answer> {
  const json = Buffer.from(JSON.stringify(header));
  return request('/v2/models/adult/infer', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', [HEADER]: length ?? String(json.length) },
    body: Buffer.concat([json, rest]),
  });
}

const SMALL = ADULT_ROW.map((cell) => (cell === 32275 ? 120 : cell));

withApp('binary tensors of every datatype reach the model unchanged', async (app) => {
  for (const datatype of [
    'INT8',
    'INT16',
    'INT32',
    'INT64',
    'UINT8',
    'UINT16',
    'UINT32',
    'UINT64',
    'FP32',
    'FP64',
  ]) {
    const answer = await post(app, binaryBody(datatype, [SMALL, SMALL]));
    expect(answer.status, datatype).toBe(200);
    const fromBytes = app.inference.calls.at(-1)?.rows;
    await app.predict({ columns: ADULT_COLUMNS, data: [SMALL, SMALL] });
    const fromJson = app.inference.calls.at(-1)?.rows;
    expect(fromBytes?.cells).toEqual(fromJson?.cells);
    expect(fromBytes?.texts).toEqual(fromJson?.texts);
  }
});

withApp(
  'NaN is a missing value; an error names the row and column of a value that the column refuses',
  async (app) => {
    const missing = binaryBody('FP64', [SMALL.map((cell) => (cell === 25 ? NaN : cell))]);
    expect((await post(app, missing)).status).toBe(200);
    expect(app.inference.calls[0]?.rows.cells[0]).toBeNaN();
    const wrong: [string, number, RegExp][] = [
      ['FP32', 39.5, /row 1, column \\"age\\": expected an integer, found a fraction/],
      ['FP64', Infinity, /row 1, column \\"age\\": expected an integer within/],
      ['INT64', 2 ** 53, /row 1, column \\"age\\": expected an integer within/],
    ];
    for (const [datatype, value, message] of wrong) {
      const answer = await post(
        app,
        binaryBody(datatype, [SMALL, SMALL.map((cell) => (cell === 25 ? value : cell))]),
      );
      expect(answer.status).toBe(400);
      expect(answer.text).toMatch(message);
    }
  },
);

withApp('an error names the row and column of text that is not UTF-8', async (app) => {
  const body = binaryBody('INT64', [SMALL]);
  const at = body.rest.indexOf(' Private');
  body.rest[at] = 0xff;
  const answer = await post(app, body);
  expect(answer).toMatchObject({ status: 400 });
  expect(answer.text).toMatch(/row 0, column \\"workclass\\": expected text in UTF-8/);
});

withApp('outputs are binary data on request', async (app) => {
  const body = binaryBody('INT64', [SMALL]);
  const outputs = [{ name: 'probabilities', parameters: { binary_data: true } }, { name: 'label' }];
  const mixed = await post(app, { ...body, header: { ...body.header, outputs } });
  expect(mixed.headers.get('content-type')).toBe('application/octet-stream');
  const length = Number(mixed.headers.get(HEADER));
  expect(JSON.parse(mixed.text.slice(0, length))).toEqual({
    model_name: 'adult',
    model_version: '1',
    outputs: [
      { name: 'probabilities', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } },
      { name: 'label', datatype: 'BYTES', shape: [1], data: [' <=50K'] },
    ],
  });
  const all = await post(app, {
    ...body,
    header: { ...body.header, parameters: { binary_data_output: true } },
  });
  const head = JSON.parse(all.text.slice(0, Number(all.headers.get(HEADER)))) as {
    outputs: { parameters: unknown }[];
  };
  expect(head.outputs.map(({ parameters }) => parameters)).toEqual([
    { binary_data_size: 10 },
    { binary_data_size: 8 },
  ]);
  expect(all.text).toContain('\u0006\0\0\0 <=50K');
});

withApp('lengths that do not fit the bytes are refused before the data are read', async (app) => {
  const body = binaryBody('INT64', [SMALL]);
  const sized = (size: unknown): BinaryBody => ({
    ...body,
    header: {
      inputs: (body.header['inputs'] as Record<string, unknown>[]).map((input, at) =>
        at === 1 ? { ...input, parameters: { binary_data_size: size } } : input,
      ),
    },
  });
  const cases: [BinaryBody, string | undefined, RegExp][] = [
    [body, '99999', /larger than the body/],
    [body, '-1', /must be a number of bytes/],
    [body, '1e3', /must be a number of bytes/],
    [body, '0', /^The text is empty where JSON is expected\.$/],
    [sized(2 ** 40), undefined, /Input 1 has 1099511627776 bytes of binary data where/],
    [sized(-1), undefined, /must be an integer/],
    [sized('8'), undefined, /must be an integer/],
    [sized(11), undefined, /Input 1 ends within an element/],
    [sized(3), undefined, /Input 1 ends within the length/],
    [
      { ...body, rest: Buffer.concat([body.rest, Buffer.alloc(3)]) },
      undefined,
      /3 bytes of the body belong to no input/,
    ],
    [{ ...body, rest: body.rest.subarray(1) }, undefined, /bytes of binary data where|ends within/],
  ];
  for (const [given, length, message] of cases) {
    const answer = await post(app, given, length);
    expect(answer.status).toBe(400);
    expect((JSON.parse(answer.text) as { error: string }).error).toMatch(message);
  }
  expect(app.inference.calls).toEqual([]);
});

withApp('no bytes make it crash', async (app) => {
  const body = binaryBody('FP32', [SMALL, SMALL]);
  const json = Buffer.from(JSON.stringify(body.header));
  const whole = Buffer.concat([json, body.rest]);
  const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 4 }),
      fc.nat(whole.length),
      fc.integer({ min: -8, max: 8 }),
      async (changes, end, shift) => {
        const bytes = Buffer.from(whole);
        for (const { at, byte } of changes) bytes[at] = byte;
        const answer = await app.request('/v2/models/adult/infer', {
          method: 'POST',
          headers: {
            'content-type': 'application/octet-stream',
            [HEADER]: String(json.length + (changes.length > 2 ? shift : 0)),
          },
          body: changes.length > 1 ? bytes : bytes.subarray(0, end),
        });
        expect([200, 400]).toContain(answer.status);
        if (answer.status === 400) expect(Object.keys(JSON.parse(answer.text) as object)).toEqual(['error']);
      },
    ),
    { numRuns: 300, seed: 11 },
  );
});
