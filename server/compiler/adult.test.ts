import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileForest } from '../../worker/forest/compileForest.ts';
import type { Signature } from '../model/signature.ts';
import { edgeRows } from './edgeRows.ts';
import type { EdgeRow } from './edgeRows.ts';
import type { Lifted } from './lift/lift.ts';
import { liftModel } from './lift/lift.ts';
import { differences, encodeRows, openLifted, openWhole } from '../testing/reference.ts';

const ADULT = new URL('../../models/adult/', import.meta.url);

/** Every row of the training file and of the test split, as a client would send them. */
async function readRows({ inputs }: Signature): Promise<EdgeRow[]> {
  const rows: EdgeRow[] = [];
  for (const file of ['data/adult.data.gz', 'data/adult.test.gz']) {
    const lines = gunzipSync(await readFile(new URL(file, ADULT)))
      .toString('utf8')
      .split('\n');
    for (const line of lines) {
      const texts = line.split(',');
      if (texts.length <= inputs.length) continue;
      rows.push(
        inputs.map(({ type }, column) =>
          type === 'string' ? (texts[column] as string) : Number(texts[column]),
        ),
      );
    }
  }
  return rows;
}

describe('the Adult model', () => {
  let onnx: Uint8Array;
  let signature: Signature;
  let lifted: Lifted;

  beforeAll(async () => {
    onnx = await readFile(new URL('1/model.onnx', ADULT));
    signature = JSON.parse(await readFile(new URL('1/model.json', ADULT), 'utf8')) as Signature;
    lifted = liftModel(onnx, signature) as Lifted;
  });

  it('is a row encoder and a forest', () => {
    expect(lifted).toMatchObject({
      lifted: true,
      features: 108,
      rest: { kind: 'forest', classes: [' <=50K', ' >50K'] },
    });
    if (lifted.rest.kind !== 'forest') throw new Error('no forest');
    const { ensemble } = lifted.rest;
    expect(ensemble.nodeFeatures.length).toBe(213_218);
    expect(ensemble.weights.length).toBe(106_634);
    expect(Math.max(...new Set(ensemble.nodeTreeIds))).toBe(49);
  });

  it('writes one place for each category, the numbers behind them, and 0 for a missing one', () => {
    const row = [
      25,
      ' Private',
      32275,
      ' Some-college',
      10,
      ' Divorced',
      'none',
      ' Wife',
      ' Other',
      ' Female',
      null,
      0,
      40,
      '',
    ];
    const matrix = [...encodeRows(lifted, [row])];
    expect(matrix.slice(102)).toEqual([25, 32275, 10, 0, 0, 40]);
    expect(matrix.slice(0, 102).filter((value) => value === 1)).toHaveLength(6);
    expect(matrix.slice(0, 102).filter((value) => value === 0)).toHaveLength(96);
  });

  it('answers every row of the data and every edge row as the whole graph does, bit by bit', async () => {
    if (lifted.rest.kind !== 'forest') throw new Error('no forest');
    const forest = compileForest(lifted.rest.ensemble, lifted.features);
    const rows = [...(await readRows(signature)), ...edgeRows(signature, lifted, forest)];
    expect(rows.length).toBeGreaterThan(48_842 + 200);
    const whole = await openWhole(onnx, signature);
    const rest = await openLifted(lifted, signature);
    expect(differences(await whole(rows), await rest(rows), rows.length)).toEqual([]);
  });

  it('says of each text whether the signature knows it', () => {
    const workclass = lifted.columns[1];
    if (workclass?.kind !== 'text') throw new Error('no text column');
    const matrix = new Float32Array(lifted.features);
    expect(workclass.write(' Private', matrix, 0)).toBe(true);
    expect(workclass.write('Private', matrix, 0)).toBe(false);
    expect(matrix.reduce((sum, value) => sum + value, 0)).toBe(1);
  });
});
