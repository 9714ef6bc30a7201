import { setImmediate as turn } from 'node:timers/promises';
import { withFoundPath } from '../compiler/fastPath.ts';
import { createEncoder } from '../encoding/encoder.ts';
import type { Model } from '../model/model.ts';
import { outputFeed } from '../model/signature.ts';
import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { LoadedVersion } from './messages.ts';

/** Adds to a version what must be made where it serves: the functions that make its rows a matrix. */
export async function completeModel(candidate: Candidate, version: LoadedVersion): Promise<Model> {
  const { path, signature, golden, probes, backgroundRows, mixed, found } = version;
  const { name, version: number, id } = candidate;
  // Requests have their turn between the steps: many categories take milliseconds.
  await turn();
  const encoder = createEncoder(signature);
  const model: Model = {
    name,
    version: number,
    id,
    key: keyOf(candidate),
    path,
    signature,
    encoder,
    output: outputFeed(signature),
    engine: { engine: 'onnxruntime', path: 'whole' },
    golden,
    probes,
    backgroundRows,
    mixed,
  };
  if (found === undefined) return model;
  await turn();
  return withFoundPath(model, found);
}
