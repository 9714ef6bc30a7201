import { expect } from 'vitest';
import { ADULT_ROW, adultBody } from '../testing/adult.ts';
import { expectProblem } from '../testing/problem.ts';
import { withApp } from '../testing/withApp.ts';

withApp('a query parameter accepts its values, once', async ({ predict }) => {
  const body = adultBody(ADULT_ROW);
  for (const query of [
    '',
    '?',
    '?probabilities=false',
    '?extra=error&probabilities=true',
    '?extra=%69gnore',
  ]) {
    expect([query, (await predict(body, query)).status]).toEqual([query, 200]);
  }
  for (const query of [
    '?probabilities',
    '?probabilities=',
    '?probabilities=1',
    '?probabilities=True',
    '?probabilities=secret',
    '?probabilities=true&probabilities=true',
    '?extra=skip',
  ]) {
    const { detail } = expectProblem(await predict(body, query), 'invalid_parameter');
    expect(detail).toMatch(
      /^The query parameter (probabilities|extra) takes one of: (false, true|error, ignore)\.$/,
    );
  }
});

withApp('an unknown query parameter is refused and not repeated', async ({ predict }) => {
  for (const query of ['?proba=true', '?secret', '?Extra=ignore', '?constructor=1', '?%00=1']) {
    const { detail } = expectProblem(await predict(adultBody(ADULT_ROW), query), 'invalid_parameter');
    expect(detail).toBe(
      'The query parameters here are probabilities, extra, on_error, header, delimiter, decimal.',
    );
  }
});
