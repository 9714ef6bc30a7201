import { expect } from 'vitest';
import { ADULT_ROW, adultBody } from '../testing/adult.ts';
import { expectProblem } from '../testing/problem.ts';
import { MAX_BODY_BYTES } from '../testing/appDeps.ts';
import { withApp, withAppOnSocket } from '../testing/withApp.ts';

const json = JSON.stringify(adultBody(ADULT_ROW));
const NO_BODY_LEFT = '{"columns":[],"data":[]}';

withApp('one byte order mark is skipped', async ({ predict }) => {
  expect((await predict(`\uFEFF${json}`)).status).toBe(200);
  expectProblem(await predict(`\uFEFF\uFEFF${json}`), 'invalid_json');
});

withApp('bytes that are not UTF-8 are refused', async ({ predict }) => {
  for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
    const body = Buffer.concat([
      Buffer.from('{"columns":["'),
      Buffer.from(bytes),
      Buffer.from('"],"data":[]}'),
    ]);
    expectProblem(await predict(body), 'invalid_encoding');
  }
  expectProblem(await predict(Buffer.from(json, 'utf16le')), 'invalid_json');
});

withApp(
  'a body of the size of the limit is accepted, a larger one refused',
  async ({ predict, inference }) => {
    const padded = json + ' '.repeat(MAX_BODY_BYTES - json.length);
    expect((await predict(padded)).status).toBe(200);
    const { detail } = expectProblem(await predict(`${padded} `), 'body_too_large');
    expect(detail).toBe('The body is larger than this server accepts.');
    expectProblem(await predict(' '.repeat(2 * MAX_BODY_BYTES)), 'body_too_large');
    expect(inference.calls).toHaveLength(1);
  },
);

withAppOnSocket('a chunked body has the same limit', async ({ request }) => {
  const post = (body: string) =>
    request('/predict', { method: 'POST', headers: { 'transfer-encoding': 'chunked' }, body });
  expect((await post(json)).status).toBe(200);
  expectProblem(await post(' '.repeat(MAX_BODY_BYTES + 1)), 'body_too_large');
});

withApp('an empty body is invalid JSON', async ({ request, predict }) => {
  expectProblem(await request('/predict', { method: 'POST' }), 'invalid_json');
  expectProblem(await predict(''), 'invalid_json');
});

withApp('a refused body does not affect the next request', async ({ predict }) => {
  expectProblem(await predict('{'), 'invalid_json');
  expectProblem(await predict(NO_BODY_LEFT), 'invalid_columns');
  expect((await predict(json)).status).toBe(200);
});
