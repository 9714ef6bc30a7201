import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from './problem.ts';
import { ERRORS, Problem, problemBody, toProblem } from './problem.ts';
import { HOME } from '../platform/install.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];
const bodyOf = (problem: Problem): unknown => JSON.parse(problemBody(problem, 'id-1'));

describe('the catalogue of errors', () => {
  it('is the one in docs/api.md, in both directions', () => {
    const page = readFileSync(join(HOME, 'docs/api.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` *\| (\d{3}) *\| (.*?) *\|/gm)];
    const documented = rows.map(([, code, status, meaning]) => [code, Number(status), meaning]);
    expect(documented).toEqual(codes.map((code) => [code, ERRORS[code].status, ERRORS[code].detail]));
  });

  it.each(codes)('has one sentence for %s', (code) => {
    expect(ERRORS[code].detail).toMatch(/^[A-Z](?!.*\. [A-Z]).*\.$/);
  });

  it.each(codes)('makes a problem of %s', (code) => {
    const problem = new Problem(code);
    const { status, detail } = ERRORS[code];
    expect(bodyOf(problem)).toEqual({
      type: 'about:blank',
      title: expect.stringMatching(/^[A-Z]/) as string,
      status,
      detail,
      code,
      requestId: 'id-1',
    });
    expect(problem.headers).toEqual(status === 503 ? { 'retry-after': '1' } : {});
  });
});

describe('a problem', () => {
  it('has its own sentence, headers and members', () => {
    const errors = [{ row: 3, column: 'age', message: 'expected an integer' }];
    const headers = { allow: 'GET' };
    const problem = new Problem('invalid_rows', { detail: 'Look.', headers, errors, errorsTotal: 7 });
    expect(problem.headers).toEqual(headers);
    expect(bodyOf(problem)).toMatchObject({ detail: 'Look.', code: 'invalid_rows', errors, errorsTotal: 7 });
  });

  it('does not expose its cause', () => {
    const problem = new Problem('internal_error', { cause: new Error('/secret/path') });
    expect(problem.cause).toEqual(new Error('/secret/path'));
    expect(problemBody(problem, '')).not.toContain('secret');
  });
});

describe('toProblem', () => {
  it('returns a problem unchanged', () => {
    const problem = new Problem('overloaded');
    expect(toProblem(problem)).toBe(problem);
  });

  it.each([new Error('boom'), 'boom', undefined, null, { status: 404 }])(
    'makes an internal error of anything else: %s',
    (thrown) => {
      const problem = toProblem(thrown);
      expect(problem.code).toBe('internal_error');
      expect(problem.cause).toBe(thrown);
      expect(problemBody(problem, '')).not.toContain('boom');
    },
  );
});
