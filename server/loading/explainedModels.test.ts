import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answersOf } from '../../worker/explanation/space.ts';
import type { PreparedExplanation } from '../../worker/protocol.ts';
import type { Candidate } from '../repository/listing.ts';
import { openExplained } from '../testing/explainRows.ts';
import { loadExplanation } from './explanation/loadExplanation.ts';

const FOLDER = fileURLToPath(new URL('./fixtures/explained', import.meta.url));
const NAMES = readdirSync(FOLDER);
/** As the issue of explanations demands it. */
const TOLERANCE = 1e-6;

/** Written by exportExplanations.py, with shap's contributions. */
interface Wanted {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
  /** [rows, outputs, columns]. */
  readonly contributions: readonly (readonly (readonly number[])[])[];
}

const candidateOf = (name: string): Candidate => ({
  name,
  version: 1,
  id: `${name}/1`,
  fingerprint: name,
  folder: join(FOLDER, name, '1'),
  root: FOLDER,
});

/** How each is explained; the others are trees. */
const KINDS: Readonly<Record<string, PreparedExplanation['kind'] | 'permutation'>> = {
  adaboost: 'sampled',
  linear: 'linear',
  logistic: 'linear',
  'logistic-of-three': 'linear',
  'support-vectors': 'sampled',
  network: 'sampled',
  'network-of-many': 'permutation',
  'one-against-rest': 'linear',
  poisson: 'linear',
  ridge: 'linear',
};
/** Of a sample: how many standard errors its mean may be off. */
const DEVIATIONS = 4;

const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

describe('explanations of exported models', () => {
  it('are of all libraries', () => {
    expect(NAMES).toHaveLength(20);
  });

  it.each(NAMES)("of %s are shap's", async (name) => {
    const wanted = JSON.parse(readFileSync(join(FOLDER, name, 'contributions.json'), 'utf8')) as Wanted;
    const { model, prepared, explain, close } = await openExplained(candidateOf(name));
    try {
      expect(wanted.columns).toEqual(model.signature.inputs.map((input) => input.name));
      const kind = KINDS[name] ?? 'trees';
      expect(prepared.kind).toBe(kind === 'permutation' ? 'sampled' : kind);
      const { contributions, standardErrors } = await explain(wanted.columns, wanted.data);
      const flat = wanted.contributions.flat(2);
      expect(contributions).toHaveLength(flat.length);
      const off = flat.map((value, at) => Math.abs((contributions[at] as number) - value));
      if (kind !== 'permutation') return expect(Math.max(...off)).toBeLessThanOrEqual(TOLERANCE);
      const deviations = off
        .map((value, at) => value / (standardErrors?.[at] as number))
        .sort((x, y) => x - y);
      // Of a hundred such values of a t distribution with 15 degrees of freedom, one in ten has one beyond 4.
      expect(deviations.at(-2)).toBeLessThanOrEqual(DEVIATIONS);
      expect(deviations.at(-1)).toBeLessThanOrEqual(2 * DEVIATIONS);
    } finally {
      await close();
    }
  });

  it.each(['network', 'network-of-many', 'logistic-of-three', 'poisson'])(
    'of %s give a row the same answer in any company, and add up',
    async (name) => {
      const { columns, data } = JSON.parse(
        readFileSync(join(FOLDER, name, 'contributions.json'), 'utf8'),
      ) as Wanted;
      const { prepared, explain, answers: answersOfModel, close } = await openExplained(candidateOf(name));
      try {
        const all = await explain(columns, data);
        const size = prepared.outputs * prepared.columns;
        const alone = await explain(columns, data.slice(3, 4));
        expect(alone.contributions).toEqual(all.contributions.slice(3 * size, 4 * size));
        expect(alone.standardErrors).toEqual(all.standardErrors?.slice(3 * size, 4 * size));
        const answers = await answersOfModel(columns, data);
        const width = answers.length / data.length;
        data.forEach((_, row) => {
          const raw = Float64Array.from(all.base, (base, k) => {
            const from = (row * prepared.outputs + k) * prepared.columns;
            return base + sumOf(all.contributions.subarray(from, from + prepared.columns));
          });
          const link = prepared.kind === 'sampled' ? 'identity' : prepared.link;
          const own = answersOf(prepared, link, raw);
          const wanted = answers.subarray((row + 1) * width - own.length, (row + 1) * width);
          own.forEach((value, k) => expect(value).toBeCloseTo(wanted[k] as number, 5));
        });
      } finally {
        await close();
      }
    },
  );

  it.each(['network', 'support-vectors'])(
    'of %s are the same ones where the whole graph runs in ONNX Runtime',
    async (name) => {
      const { columns, data } = JSON.parse(
        readFileSync(join(FOLDER, name, 'contributions.json'), 'utf8'),
      ) as Wanted;
      const [lifted, whole] = [
        await openExplained(candidateOf(name)),
        await openExplained(candidateOf(name), false),
      ];
      try {
        expect(whole.prepared).toMatchObject({ kind: 'sampled', plan: { method: 'exact' } });
        // A text that is no category travels beside the matrix.
        const rows = data.slice(0, 4).map((row, at) => (at === 0 ? row.with(-1, 'unknown') : row));
        const [own, wanted] = [await whole.explain(columns, rows), await lifted.explain(columns, rows)];
        own.contributions.forEach((value, at) =>
          expect(value).toBeCloseTo(wanted.contributions[at] as number, 6),
        );
      } finally {
        await lifted.close();
        await whole.close();
      }
    },
  );

  it('are refused where the file is another one', async () => {
    const loaded = await loadExplanation({
      path: 'lifted',
      candidate: candidateOf('forest'),
      maxModelBytes: 1e9,
      sha256: 'another',
    });
    expect(loaded).toEqual({ reason: 'its file is no longer the one that is served' });
  });
});
