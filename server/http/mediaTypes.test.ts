import { expect } from 'vitest';
import { ADULT_ROW, adultBody } from '../testing/adult.ts';
import { expectProblem } from '../testing/problem.ts';
import { withApp } from '../testing/withApp.ts';

const body = adultBody(ADULT_ROW);

withApp('a body is JSON if its type says so, or without a type', async ({ predict }) => {
  expect((await predict(body)).status).toBe(200);
  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; Charset = "utf-8"',
    'application/json;',
    'application/json; charset=UTF8',
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=utf-8',
  ]) {
    expect([type, (await predict(body, '', { 'content-type': type })).status]).toEqual([type, 200]);
  }
});

withApp('another type of body is 415, and the error names the header to send', async ({ predict }) => {
  for (const type of [
    'application/x-www-form-urlencoded; a=b',
    'text/csv; header=maybe',
    'application/json; header=absent',
    'multipart/form-data; boundary=x',
    'text/plain;charset=UTF-8',
    'application/jsonp',
    'application/json+x',
    'application/problem+json',
    'application/json; charset=latin1',
    'application/json; charset=utf-16',
    'application/json; version=1',
    'application/json, text/plain',
    'x',
  ]) {
    const { detail } = expectProblem(
      await predict(body, '', { 'content-type': type }),
      'unsupported_media_type',
    );
    expect(detail).toBe('Send the body as application/json, text/csv or application/jsonlines, in UTF-8.');
  }
});

withApp('the answer is JSON if Accept includes it, else 406', async ({ predict }) => {
  for (const accept of [
    '*/*',
    'application/*',
    'application/json',
    'APPLICATION/JSON',
    'application/json;q=0.1',
    'application/json;q=0, application/json ; Q = "0.1"',
    'text/html;a="x,y", application/json',
    'application/json;q=1.000;charset=utf-8',
    'text/html, application/xhtml+xml, */*;q=0.01',
    'text/csv;q=1,application/json;q=0.5',
  ]) {
    expect([accept, (await predict(body, '', { accept })).status]).toEqual([accept, 200]);
  }
  for (const accept of [
    'text/html',
    'text/*',
    'application/xml',
    'application/json;q=0',
    'application/json;q=x',
    'text/html;a=", application/json"',
    '*/*;q=0.000',
    'json',
  ]) {
    expectProblem(await predict(body, '', { accept }), 'not_acceptable');
  }
});

withApp('a hostile header is matched in linear time', async ({ predict }) => {
  const spaces = ' '.repeat(60_000);
  const start = performance.now();
  for (const headers of [
    { 'content-type': `application/json${spaces}x` },
    { 'content-type': `application/json;${spaces}charset${spaces.slice(30_000)}x` },
    { accept: `application/json${spaces}x` },
    { accept: `application/json;${spaces}q=0x` },
    { accept: 'a/b;c="d"x,'.repeat(6000) },
    { accept: 'a/b;c="\\'.repeat(6000) },
    { accept: ' ;'.repeat(30_000) },
  ]) {
    await predict(body, '', headers);
  }
  // Quadratic matching takes seconds, linear matching less than a millisecond.
  expect(performance.now() - start).toBeLessThan(1000);
});
