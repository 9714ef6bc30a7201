import { describe, expect, it } from 'vitest';
import { addsUp, measureAdditivity } from './explanations.ts';
import { startPredictionServer } from './testing/predictionServer.ts';
import { measure, runLoadtest } from './testing/runLoadtest.ts';

const explanation = { class: 'b', base: 0.25, output: 0.75, contributions: { x: 0.75, y: -0.25 } };
const answer = (changes: object = {}, own: object = {}): string =>
  JSON.stringify({
    predictions: ['b'],
    probabilities: [[0.25, 0.75]],
    classes: ['a', 'b'],
    explanations: [{ ...explanation, ...own }],
    space: 'probability',
    ...changes,
  });

describe('the additivity of an answer', () => {
  it.each<[string, string, number, number | undefined]>([
    ['that adds up', answer(), 0, 0],
    ['with others', answer({}, { contributions: { x: 0.75 }, other: -0.25 }), 0, 0],
    ['that does not add up', answer({}, { base: 0.5 }), 0.25, 0],
    ['whose output is no score', answer({}, { output: 0.5, base: 0 }), 0, 0.25],
    ['without scores', answer({ probabilities: undefined }), 0, undefined],
    ['in margins', answer({ space: 'margin', probabilities: [[0, 1 / (1 + Math.exp(-0.75))]] }), 0, 0],
    ['in margins of three classes', answer({ space: 'margin', classes: ['a', 'b', 'c'] }), 0, undefined],
    ['of values', answer({ space: 'value', predictions: [0.5] }), 0, 0.25],
    ['of all classes', answer({ explanations: [[explanation, { ...explanation, base: 1 }]] }), 0.75, 0],
  ])('%s', (_, body, sum, score) => {
    const found = measureAdditivity(body);
    expect(found?.sum).toBeCloseTo(sum, 12);
    if (score === undefined) expect(found?.score).toBeUndefined();
    else expect(found?.score).toBeCloseTo(score, 12);
    expect(found && addsUp(found)).toBe(sum === 0 && (score ?? 0) === 0);
  });

  it.each([
    ['of another form', '{"predictions":["b"]}'],
    ['with an explanation too few', answer({ explanations: [] })],
    ['without a number', answer({}, { base: 'x' })],
    ['of no JSON', '<html>'],
  ])('is unknown of an answer %s', (_, body) => {
    expect(measureAdditivity(body)).toBeUndefined();
  });
});

describe('npm run loadtest -- --explain', () => {
  const argv = ['--explain', '--amount', '4', '--connections', '1'];

  it('asks /explain with probabilities, and fails where sums are wrong', async () => {
    await using server = await startPredictionServer(({ number, answer: response }) =>
      response.end(answer({}, number === 3 ? { base: 0.25001 } : {})),
    );
    const { origin } = new URL(server.url);
    const { code, stdout, report } = await measure([origin, ...argv]);
    expect(server.received.map(({ request }) => request.url)).toEqual(
      Array(6).fill('/explain?probabilities=true'),
    );
    expect([code, report.failures.notAdditive, report.explained?.requests]).toEqual([1, 1, 4]);
    expect(report.explained?.sum).toBeCloseTo(1e-5, 12);
    expect(stdout).toMatch(/doesn't add up +1/);
    expect(stdout).toMatch(/4 answers with explanations: sums differ from outputs by at most 1.0e-5/);
  });

  it('goes without probabilities where there are none, and without explanations not at all', async () => {
    await using server = await startPredictionServer(({ request, refuse, answer: response }) => {
      if (request.url?.includes('probabilities')) refuse(400, 'invalid_parameter');
      else response.end(answer({ space: 'value', predictions: [0.75], probabilities: undefined }));
    });
    const { origin } = new URL(server.url);
    const { code, stdout } = await runLoadtest([origin, ...argv]);
    expect(code).toBe(0);
    expect(server.received.at(-1)?.request.url).toBe('/explain');
    expect(stdout).toContain('outputs differ from scores by at most 0.0e+0');

    await using plain = await startPredictionServer(({ predict }) => predict());
    const without = await runLoadtest([plain.url, ...argv]);
    expect(without.code).toBe(1);
    expect(without.stdout).toMatch(/unreadable +4/);
  });
});
