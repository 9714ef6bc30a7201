import { readFile, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { compileForest } from '../../worker/forest/compileForest.ts';
import { createForest } from '../../worker/forest/forest.ts';
import type { Label } from '../../worker/protocol.ts';
import type { Signature } from '../model/signature.ts';
import { edgeRows } from './edgeRows.ts';
import type { EdgeRow } from './edgeRows.ts';
import type { Lifted } from './lift/lift.ts';
import { liftModel } from './lift/lift.ts';
import { differences, encodeRows, openLifted, openWhole } from '../testing/reference.ts';

const FIXTURES = new URL('./fixtures/', import.meta.url);

/** Width of the matrix and what is behind it, or the reason why there is none. Written by exportPipelines.py. */
const EXPECTED: Readonly<Record<string, readonly [features: number, rest: 'forest' | 'graph'] | string>> = {
  adaboost: [11, 'graph'],
  binarizer: [3, 'forest'],
  'boolean-labels': [2, 'forest'],
  booleans: [2, 'forest'],
  'extra-trees-regressor': [4, 'forest'],
  'gradient-boosting-regressor': [11, 'forest'],
  'gradient-boosting': [11, 'forest'],
  'hist-gradient-boosting': [3, 'forest'],
  'imputer-constant': [2, 'forest'],
  'imputer-integers': [2, 'forest'],
  'imputer-scaler': [8, 'graph'],
  'imputer-texts': 'Where is not a column-wise operator',
  'kbins-onehot': [2, 'graph'],
  'kbins-ordinal': [2, 'graph'],
  'lightgbm-classes': [11, 'forest'],
  'lightgbm-poisson': [4, 'graph'],
  'lightgbm-regressor': [4, 'forest'],
  lightgbm: [3, 'forest'],
  'linear-one-numeric-input': [3, 'graph'],
  'matrix-by-index': [3, 'graph'],
  matrix: [3, 'forest'],
  'maxabs-scaler': [3, 'graph'],
  'minmax-scaler': [3, 'graph'],
  'named-labels': [2, 'forest'],
  'named-labels-xgboost': [2, 'forest'],
  normalizer: [2, 'graph'],
  'onehot-drop-first': [9, 'forest'],
  'onehot-infrequent': [10, 'forest'],
  'onehot-integers-as-floats': [5, 'forest'],
  'onehot-integers': [17, 'forest'],
  'onehot-one-text': [7, 'forest'],
  'onehot-refuses-unknown': 'OneHotEncoder refuses unknown categories (zeros=0)',
  'onehot-scaled': [11, 'graph'],
  'onehot-texts': [11, 'forest'],
  'ordinal-integers': [3, 'forest'],
  'ordinal-texts': [4, 'forest'],
  'ordinal-unknown-nan': [2, 'forest'],
  pca: [3, 'graph'],
  polynomial: [2, 'graph'],
  'robust-scaler': [3, 'graph'],
  'scaler-mixed-types': [2, 'graph'],
  'standard-scaler-double': [2, 'forest'],
  'standard-scaler': [3, 'graph'],
  'target-encoder': [4, 'forest'],
  'xgboost-regressor': [4, 'forest'],
  xgboost: [8, 'forest'],
};

interface Fixture {
  readonly signature: Signature;
  readonly data: readonly EdgeRow[];
  readonly predictions: readonly Label[];
  readonly probabilities?: readonly (readonly number[])[];
}

async function readFixture(name: string): Promise<Fixture & { readonly onnx: Uint8Array }> {
  const onnx = await readFile(new URL(`${name}.onnx`, FIXTURES));
  return { ...(JSON.parse(await readFile(new URL(`${name}.json`, FIXTURES), 'utf8')) as Fixture), onnx };
}

/** The training library's answers as rows of answers. */
function trained({ signature, predictions, probabilities }: Fixture): number[] {
  const classes = signature.outputs.classes;
  return predictions.flatMap((prediction, row) =>
    classes ? [classes.indexOf(prediction), ...(probabilities?.[row] ?? [])] : [Number(prediction)],
  );
}

const LIFTED = Object.keys(EXPECTED).filter((name) => typeof EXPECTED[name] !== 'string');
const FORESTS = LIFTED.filter((name) => EXPECTED[name]?.[1] === 'forest');

/** The largest difference, relative to the wanted value where that is larger than 1. */
function furthest(answers: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let most = answers.length === wanted.length ? 0 : Infinity;
  for (let at = 0; at < wanted.length; at++) {
    const value = wanted[at] as number;
    const apart = Math.abs((answers[at] as number) - value) / Math.max(1, Math.abs(value));
    // NaN is no small difference.
    most = Number.isNaN(apart) ? Infinity : Math.max(most, apart);
  }
  return most;
}

describe('exported pipelines', () => {
  it('are all expected here', async () => {
    const names = (await readdir(FIXTURES)).filter((file) => file.endsWith('.onnx'));
    expect(
      Object.keys(EXPECTED)
        .map((name) => `${name}.onnx`)
        .sort(),
    ).toEqual(names.sort());
  });

  it.each(Object.entries(EXPECTED))('%s is lifted as far as it can be', async (name, expected) => {
    const { onnx, signature } = await readFixture(name);
    const lifting = liftModel(onnx, signature);
    expect(lifting.lifted ? [lifting.features, lifting.rest.kind] : lifting.reason).toEqual(expected);
  });

  it.each(LIFTED)('%s answers as the whole graph and the training library do', async (name) => {
    const fixture = await readFixture(name);
    const { onnx, signature, data } = fixture;
    const lifting = liftModel(onnx, signature) as Lifted;
    const whole = await openWhole(onnx, signature);
    const lifted = await openLifted(lifting, signature);
    expect(furthest(await lifted(data), trained(fixture))).toBeLessThanOrEqual(1e-5);

    const rows = [...data, ...edgeRows(signature, lifting)];
    expect(differences(await whole(rows), await lifted(rows), rows.length)).toEqual([]);
  });

  it.each(FORESTS)('%s is a forest that the kernel answers as the whole graph does', async (name) => {
    const { onnx, signature, data } = await readFixture(name);
    const lifting = liftModel(onnx, signature);
    if (!lifting.lifted || lifting.rest.kind !== 'forest') throw new Error('no forest');
    const compiled = compileForest(lifting.rest.ensemble, lifting.features);
    const rows = [...data, ...edgeRows(signature, lifting, compiled)];
    const forest = createForest(compiled, rows.length);
    forest.input.set(encodeRows(lifting, rows));
    const whole = await (await openWhole(onnx, signature))(rows);
    const answers = new Float64Array(whole.length);
    forest.score(rows.length, answers);
    // The kernel adds the trees in another order.
    expect(furthest(answers, whole)).toBeLessThanOrEqual(1e-6);
  });
});
