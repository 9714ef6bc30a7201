import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHome } from '../../../server/platform/install.ts';
import { trainingMissing, trainingPython } from '../../../server/testing/trainingPython.ts';
import { lasting, toPage } from './page.ts';
import { runCases } from './runCases.ts';

describe.skipIf(trainingMissing !== undefined)(`what can be served${trainingMissing ?? ''}`, () => {
  it(
    'is what docs/what-can-be-served.md says, and nothing ends in a traceback',
    { timeout: 1_800_000 },
    async () => {
      const outcomes = await runCases(trainingPython);
      expect(outcomes.filter(({ fault }) => fault !== undefined)).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(350);
      expect(toPage(outcomes)).toBe(readFileSync(fromHome('docs/what-can-be-served.md'), 'utf8'));
    },
  );
});

describe('the page', () => {
  const outcome = { group: 'classifiers', name: 'A', variant: 'two', engine: 'forest' } as const;

  it('has one row for variants that end alike, and two for others', () => {
    const alike = toPage([outcome, { ...outcome, variant: 'three' }]);
    expect(alike).toMatch(/^\| A +\| compiled forest \| +\|$/m);
    const refused = { group: 'classifiers', name: 'A', variant: 'three', refused: 'no: a_b | c' };
    expect(toPage([outcome, refused])).toMatch(
      /^\| A, two +\| compiled forest \|.*\n\| A, three +\| – +\| no: a\\_b \\\| c \|$/m,
    );
  });

  it('leaves out of a sentence what depends on rows', () => {
    expect(lasting("ONNX Runtime doesn't give LightGBM's answers on the frame: a difference in 3")).toBe(
      'its ONNX form gives other answers than LightGBM',
    );
    expect(lasting('no; such a row is a: 1')).toBe('no');
  });
});
