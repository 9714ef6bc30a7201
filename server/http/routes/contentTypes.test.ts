import { describe, expect, it } from 'vitest';
import type { Model } from '../../model/model.ts';
import { ADULT_COLUMNS, adultRow, loadAdult } from '../../testing/adult.ts';
import { APP_CONFIG, appDeps } from '../../testing/appDeps.ts';
import { createApp } from '../app.ts';

const FORM = 'application/x-www-form-urlencoded';
const HEADER = ADULT_COLUMNS.join();
const young = adultRow({ age: 25 });
const old = adultRow({ age: 75 });
const record = Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, old[at]]));
const tensors = ADULT_COLUMNS.map((name, at) => ({
  name,
  shape: [1],
  datatype: typeof old[at] === 'string' ? 'BYTES' : 'INT64',
  data: [old[at]],
}));
const ANSWER = ' >50K';

/** A body of one row for each route that predicts from JSON. No other route may take the type of a form. */
const PREDICTIONS: Readonly<Record<string, unknown>> = {
  '/predict': [record],
  '/prediction': [record],
  '/models/:model/predict': [record],
  '/models/:model/versions/:version/predict': [record],
  '/invocations': { instances: [old] },
  '/models/:model/invoke': { instances: [old] },
  '/vertex/predict': { instances: [old] },
  '/v1/models/:target': { instances: [old] },
  '/v1/models/:model/versions/:target': { instances: [old] },
  '/v2/models/:model/infer': { inputs: tensors },
  '/v2/models/:model/versions/:version/infer': { inputs: tensors },
};
/** Routes that don't read the type: one lists models, the other takes files of CSV. */
const OTHERS = ['/v2/repository/index', '/predict_file', '/models/:model/predict_file'];

async function serve() {
  const adult = await loadAdult();
  const model: Model = {
    ...adult,
    signature: { ...adult.signature, routes: ['/prediction'], answer: { key: 'y' } },
  };
  const config = { ...APP_CONFIG, AIP_PREDICT_ROUTE: '/vertex/predict' };
  const app = createApp(appDeps([model], { config }));
  const post = async (path: string, type: string, body: string): Promise<readonly [number, string]> => {
    const headers = { 'content-type': type };
    const answer = await app.request(path, { method: 'POST', headers, body: Buffer.from(body) }, {});
    return [answer.status, await answer.text()];
  };
  return { app, post };
}

const pathOf = (route: string): string =>
  route
    .replace('/v1/models/:target', '/v1/models/adult:predict')
    .replace(':target', '1:predict')
    .replace(':model', 'adult')
    .replace(':version', '1');

describe('the type of a form, which curl declares by default', () => {
  it('is taken for JSON by all routes that predict from JSON, and by no other', async () => {
    const { app, post } = await serve();
    const routes = new Set(app.routes.map(({ path }) => path));
    const takers: string[] = [];
    for (const route of [...routes, '/prediction']) {
      const path = pathOf(route);
      const [status] = await post(path, FORM, JSON.stringify(PREDICTIONS[route] ?? {}));
      if (![404, 405, 415].includes(status)) takers.push(route);
      if (route in PREDICTIONS) {
        const plain = await post(path, 'application/json', JSON.stringify(PREDICTIONS[route]));
        expect([route, ...plain]).toEqual([route, 200, expect.stringContaining(ANSWER)]);
        const forms = [FORM, `${FORM}; charset=UTF-8`, 'Application/X-WWW-form-urlencoded'];
        for (const type of forms)
          expect([route, ...(await post(path, type, JSON.stringify(PREDICTIONS[route])))]).toEqual([
            route,
            ...plain,
          ]);
      }
    }
    expect(takers.filter((route) => !OTHERS.includes(route)).sort()).toEqual(Object.keys(PREDICTIONS).sort());
    expect((await post('/predict_file', FORM, HEADER))[0]).toBe(415);
  });

  it('is JSON with its errors, and refused with a charset that is not UTF-8', async () => {
    const { post } = await serve();
    for (const route of Object.keys(PREDICTIONS)) {
      for (const body of ['age=25&job=clerk', `${HEADER}\n${old.join()}\n`, ' {"age":', ''])
        expect([route, body, (await post(pathOf(route), FORM, body))[0]]).toEqual([route, body, 400]);
      expect((await post(pathOf(route), `${FORM}; charset=latin1`, '{}'))[0]).toBe(415);
    }
  });
});

describe('a charset', () => {
  it('of UTF8 is that of UTF-8, for all types and routes', async () => {
    const { post } = await serve();
    const csv = `${HEADER}\n${old.join()}\n`;
    const expectTaken = async (path: string, type: string, body: string): Promise<void> => {
      for (const charset of ['utf-8', 'UTF8', 'utf8', '"Utf8"', '"UTF-8"'])
        expect([path, charset, (await post(path, `${type}; charset=${charset}`, body))[0]]).toEqual([
          path,
          charset,
          200,
        ]);
      for (const charset of ['latin1', 'utf-16', 'utf-80', 'utf 8', '', 'utf--8', 'us-ascii'])
        expect([path, charset, (await post(path, `${type}; charset=${charset}`, body))[0]]).toEqual([
          path,
          charset,
          415,
        ]);
    };
    for (const [route, body] of Object.entries(PREDICTIONS))
      await expectTaken(pathOf(route), 'application/json', JSON.stringify(body));
    for (const path of ['/predict', '/invocations', '/predict_file', '/prediction'])
      await expectTaken(path, 'text/csv', csv);
    for (const path of ['/predict', '/invocations', '/prediction'])
      for (const type of ['application/jsonlines', 'application/x-ndjson'])
        await expectTaken(path, type, JSON.stringify(record));
    await expectTaken('/invocations', 'application/json; format=pandas-records', JSON.stringify([record]));
  });
});

describe('text/csv; header=…', () => {
  const rows = `${young.join()}\n${old.join()}\n`;
  const part = (type: string, file: string): string =>
    `--x\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\ncontent-type: ${type}\r\n\r\n${file}\r\n--x--\r\n`;

  it('says whether the first line has names, everywhere', async () => {
    const { post } = await serve();
    for (const path of [
      '/predict',
      '/models/adult/predict',
      '/prediction',
      '/invocations',
      '/predict_file',
    ]) {
      const [, wanted] = await post(path, 'text/csv', `${HEADER}\n${rows}`);
      for (const type of ['header=present', 'Header="Present"', 'charset=utf8; header = present'])
        expect(await post(path, `text/csv; ${type}`, `${HEADER}\n${rows}`)).toEqual([200, wanted]);
      for (const type of ['header=absent', 'HEADER=ABSENT;charset=utf-8', 'header="absent"'])
        expect(await post(path, `text/csv; ${type}`, rows)).toEqual([200, wanted]);
      // It means what it says.
      expect([400, 422]).toContain((await post(path, 'text/csv; header=absent', `${HEADER}\n${rows}`))[0]);
      expect([400, 422]).toContain((await post(path, 'text/csv; header=present', rows))[0]);
      for (const type of ['header=maybe', 'header=', 'header', 'absent'])
        expect([type, (await post(path, `text/csv; ${type}`, rows))[0]]).toEqual([type, 415]);
    }
  });

  it('holds for the part of a form, too', async () => {
    const { post } = await serve();
    const form = 'multipart/form-data; boundary=x';
    const [, wanted] = await post('/predict_file', 'text/csv', `${HEADER}\n${rows}`);
    for (const type of ['text/csv; header=absent', 'Text/CSV;charset=UTF8;Header="absent"'])
      expect(await post('/predict_file', form, part(type, rows))).toEqual([200, wanted]);
    for (const type of ['text/csv; header=present', 'text/csv', 'text/plain; charset=utf8'])
      expect(await post('/predict_file', form, part(type, `${HEADER}\n${rows}`))).toEqual([200, wanted]);
    expect((await post('/predict_file', form, part('text/csv; header=present', rows)))[0]).toBe(422);
  });

  it('may not contradict the query', async () => {
    const { post } = await serve();
    for (const path of ['/predict', '/predict_file', '/prediction']) {
      expect((await post(`${path}?header=false`, 'text/csv; header=absent', rows))[0]).toBe(200);
      expect((await post(`${path}?header=true`, 'text/csv; header=present', `${HEADER}\n${rows}`))[0]).toBe(
        200,
      );
      const [status, text] = await post(`${path}?header=false`, 'text/csv; header=present', rows);
      expect([path, status, text]).toEqual([path, 400, expect.stringContaining('header=present')]);
    }
  });
});
