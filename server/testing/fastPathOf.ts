import { readFile } from 'node:fs/promises';
import { findFastPath } from '../compiler/fastPath.ts';
import { digestOnnx } from '../loading/onnxFile.ts';
import type { Model } from '../model/model.ts';

/** The model with the fast path that its file has, if any. */
export const fastPathOf = async (model: Model): Promise<Model> =>
  findFastPath(model, digestOnnx(await readFile(model.path)));
