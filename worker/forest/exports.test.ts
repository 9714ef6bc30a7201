import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { EdgeRow } from '../../server/compiler/edgeRows.ts';
import { edgeRows } from '../../server/compiler/edgeRows.ts';
import type { Lifted } from '../../server/compiler/lift/lift.ts';
import { liftModel } from '../../server/compiler/lift/lift.ts';
import { encodeRows, openLifted } from '../../server/testing/reference.ts';
import type { Signature } from '../../server/model/signature.ts';
import { compileForest } from './compileForest.ts';
import { compileParts } from './compileParts.ts';
import type { CompiledForest } from './compileForest.ts';
import type { TreeEnsemble } from './ensemble.ts';
import { EnsembleRefused } from './ensemble.ts';
import { createForest } from './forest.ts';
import { expectAnswers } from './testing/compare.ts';

const FIXTURES = fileURLToPath(new URL('../../server/compiler/fixtures/', import.meta.url));
const ADULT = fileURLToPath(new URL('../../models/adult/', import.meta.url));
const names = (await readdir(FIXTURES))
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -5));

/** Scores rows in batches whose size doesn't divide their number. */
function scoreAll(
  ensemble: TreeEnsemble,
  features: number,
  matrix: Float32Array,
  width: number,
): Float64Array {
  const batch = 251;
  const forest = createForest(compileForest(ensemble, features), batch);
  const rows = matrix.length / features;
  const answers = new Float64Array(rows * width);
  for (let from = 0; from < rows; from += batch) {
    const some = Math.min(batch, rows - from);
    forest.input.set(matrix.subarray(from * features, (from + some) * features));
    forest.score(some, answers.subarray(from * width));
  }
  return answers;
}

/** undefined where it can't be one. */
function compiledOf({ rest, features }: Lifted): CompiledForest | undefined {
  if (rest.kind !== 'forest') return undefined;
  try {
    return compileForest(rest.ensemble, features);
  } catch (error) {
    if (!(error instanceof EnsembleRefused)) throw error;
    return undefined;
  }
}

/** What the kernel reads, without where it lies. */
const contentOf = ({ counted, ...forest }: CompiledForest) => ({
  ...forest,
  memory: undefined,
  // The columns that count are numbered in any order.
  counted: counted.map((column) => Math.min(column, 0)),
});

async function expectSame(lifted: Lifted, signature: Signature, rows: readonly EdgeRow[]): Promise<void> {
  if (lifted.rest.kind !== 'forest') return;
  const { ensemble } = lifted.rest;
  const classifier = ensemble.kind === 'classifier';
  const width = ensemble.outputs + Number(classifier);
  const answers = scoreAll(ensemble, lifted.features, encodeRows(lifted, rows), width);
  const wanted = await (await openLifted(lifted, signature))(rows);
  expectAnswers(answers, wanted, { width, classifier, exactly: ensemble.postTransform === 'NONE' });
}

describe('forests as exporters write them', () => {
  it.each(names)('%s answers as by ONNX Runtime', async (name) => {
    const { signature, data } = JSON.parse(await readFile(`${FIXTURES}${name}.json`, 'utf8')) as {
      signature: Signature;
      data: EdgeRow[];
    };
    const lifting = liftModel(await readFile(`${FIXTURES}${name}.onnx`), signature);
    if (!lifting.lifted) return;
    const forest = compiledOf(lifting);
    await expectSame(lifting, signature, [...data, ...edgeRows(signature, lifting, forest)]);
  });

  it.each([1, 20, 2 ** 16])(
    'are the same compiled as a whole and in parts of %d nodes',
    async (partNodes) => {
      const files = [...names.map((name) => `${FIXTURES}${name}`), `${ADULT}1/model`];
      let [inParts, manyParts] = [0, 0];
      for (const file of files) {
        const json = JSON.parse(await readFile(`${file}.json`, 'utf8')) as
          { signature: Signature } | Signature;
        const lifting = liftModel(
          await readFile(`${file}.onnx`),
          'signature' in json ? json.signature : json,
        );
        if (!lifting.lifted || lifting.rest.kind !== 'forest') continue;
        const { rest, features } = lifting;
        const whole = compiledOf(lifting);
        let parts = 0;
        const counting: typeof rest.eachPart = (take) =>
          rest.eachPart((part) => {
            parts++;
            take(part);
          }, partNodes);
        if (!whole) continue;
        const linked = compileParts(counting, features);
        if (!linked) continue;
        inParts++;
        if (parts > 1) manyParts++;
        if (whole.counted.every((column) => column < 0)) expect(contentOf(linked)).toEqual(contentOf(whole));
        else expect(linked.width).toBe(whole.width);
      }
      expect(inParts).toBeGreaterThan(5);
      if (partNodes === 1) expect(manyParts).toBeGreaterThan(5);
    },
  );

  it('the Adult forest answers all rows of its data bit by bit as ONNX Runtime does', async () => {
    const signature = JSON.parse(await readFile(`${ADULT}1/model.json`, 'utf8')) as Signature;
    const lifted = liftModel(await readFile(`${ADULT}1/model.onnx`), signature) as Lifted;
    expect(lifted.rest.kind).toBe('forest');
    const files = await Promise.all(
      ['adult.data.gz', 'adult.test.gz'].map((file) => readFile(`${ADULT}data/${file}`)),
    );
    const rows = files
      .flatMap((file) => gunzipSync(file).toString('utf8').split('\n'))
      .map((line) => line.split(','))
      .filter(({ length }) => length > signature.inputs.length)
      .map((texts) =>
        signature.inputs.map(({ type }, i) => (type === 'string' ? (texts[i] as string) : Number(texts[i]))),
      );
    expect(rows.length).toBe(48_842);
    await expectSame(lifted, signature, rows);
  });
});
