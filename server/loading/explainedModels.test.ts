import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createExplainer } from '../../worker/explanation/explainer.ts';
import type { PackedExplanation } from '../../worker/explanation/packExplanation.ts';
import { createFeatureEncoder } from '../encoding/encoder.ts';
import { liftModel } from '../compiler/lift/lift.ts';
import type { Candidate } from '../repository/listing.ts';
import { loadExplanation } from './loadExplanation.ts';
import { readModelVersion } from './readModelVersion.ts';

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

async function packedOf(name: string): Promise<PackedExplanation> {
  const candidate = candidateOf(name);
  const { model } = await readModelVersion(candidate);
  const loaded = await loadExplanation({
    kind: 'explain',
    candidate,
    maxModelBytes: 1e9,
    sha256: model.signature.sha256,
  });
  if ('reason' in loaded) throw new Error(loaded.reason);
  return loaded;
}

describe('explanations of exported models', () => {
  it('are of all libraries', () => {
    expect(NAMES).toHaveLength(10);
  });

  it.each(NAMES)("of %s are shap's", async (name) => {
    const wanted = JSON.parse(readFileSync(join(FOLDER, name, 'contributions.json'), 'utf8')) as Wanted;
    const packed = await packedOf(name);
    const { model, readOnnx } = await readModelVersion(candidateOf(name));
    const lifted = liftModel((await readOnnx())?.bytes as Uint8Array, model.signature);
    if (!lifted.lifted) throw new Error(lifted.reason);
    const encoder = createFeatureEncoder(model.signature, lifted.columns, lifted.features);
    const { cells, rows } = encoder.encode(wanted.columns, wanted.data);
    const explainer = createExplainer(packed);
    const { outputs, features } = packed;
    expect([rows, outputs]).toEqual([wanted.data.length, wanted.contributions[0]?.length]);
    expect(wanted.columns).toEqual(model.signature.inputs.map((input) => input.name));
    let largest = 0;
    for (let row = 0; row < rows; row++) {
      const input = (cells as Float32Array).slice(row * features, (row + 1) * features);
      const got = explainer.explain(input, 1);
      wanted.contributions[row]?.flat().forEach((value, at) => {
        largest = Math.max(largest, Math.abs((got[at] as number) - value));
      });
    }
    expect(largest).toBeLessThanOrEqual(TOLERANCE);
  });

  it('are refused where the file is another one', async () => {
    const loaded = await loadExplanation({
      kind: 'explain',
      candidate: candidateOf('forest'),
      maxModelBytes: 1e9,
      sha256: 'another',
    });
    expect(loaded).toEqual({ reason: 'its file is no longer the one that is served' });
  });
});
