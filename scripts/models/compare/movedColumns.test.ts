import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHome } from '../../../server/platform/install.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { openExplanation } from '../openExplanation.ts';
import { findVersion } from '../openVersion.ts';
import type { FileRows } from '../readRows.ts';
import type { Comparison } from './compare.ts';
import { compareOn, describe as describeComparison } from './compare.ts';

const FIXTURES = fromHome('server/loading/fixtures/explained');

/** Compares two fixtures as versions of one model. */
const compareFixtures = (first: string, second: string): Promise<Comparison> =>
  withTemporaryFolder(async (repository) => {
    cpSync(join(FIXTURES, first, '1'), join(repository, 'm/1'), { recursive: true });
    cpSync(join(FIXTURES, second, '1'), join(repository, 'm/2'), { recursive: true });
    const text = readFileSync(join(FIXTURES, first, 'contributions.json'), 'utf8');
    const { columns, data } = JSON.parse(text) as FileRows;
    // As many as a comparison lists.
    const rows = { columns, data: data.slice(0, 10) };
    const [model, other] = [await findVersion(repository, 'm/1'), await findVersion(repository, 'm/2')];
    return compareOn(model, other, rows, ({ id }) => openExplanation(repository, id));
  });

describe('npm run compare -- --explain', () => {
  it('names the columns that moved changed answers, whose differences add up to those of the answers', async () => {
    const comparison = await compareFixtures('extra-trees', 'gradient-boosting');
    const { moved, changes, rows } = comparison;
    expect(moved).toMatchObject({ rows, space: 'value' });
    const sizes = moved?.columns.map(({ size }) => size) ?? [];
    expect(sizes).toHaveLength(6);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    const sum = (moved?.columns ?? []).reduce((total, { mean }) => total + mean, moved?.base ?? 0);
    const differences = changes.map(({ before, after }) => (after as number) - (before as number));
    expect(differences).toHaveLength(10);
    const mean = differences.reduce((total, difference) => total + difference, 0) / 10;
    expect(Math.abs(sum - mean)).toBeLessThan(1e-6);
    expect(describeComparison(comparison)).toMatch(
      /columns that moved the answers of 10 changed rows, by difference of contributions \(value; the base by [-+][\d.]+\):\n {2}\w+: [\d.]+ in sum, [-+][\d.]+ on average/,
    );
  });

  it('names none where no answer changes', async () => {
    const { moved } = await compareFixtures('forest-of-two', 'forest-of-two');
    expect(moved).toMatchObject({ rows: 0, base: 0, columns: [] });
  });

  it('refuses two spaces, and a version that cannot be explained, with the reason', async () => {
    await expect(compareFixtures('forest-of-two', 'histogram')).rejects.toThrow(
      /m\/1 is explained in the space probability, m\/2 in margin/,
    );
    await expect(openExplanation(fromHome('models'), 'text/1')).rejects.toThrow(
      /^text\/1 can't be explained: /,
    );
    await expect(openExplanation(fromHome('models'), 'text/9')).rejects.toThrow('holds no text/9');
  });
});
