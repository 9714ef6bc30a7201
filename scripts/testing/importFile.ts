import type { OnnxOptions } from '../models/import/describeOnnx.ts';
import { importOnnx } from '../models/import/importOnnx.ts';
import { findPlace, writeAside } from '../models/import/place.ts';
import { describe, modelAsServed } from '../models/import/served.ts';

/**
 * Imports an ONNX file as `npm run import` does.
 *
 * @returns what is printed
 */
export async function importFile(
  path: string,
  repository: string,
  name: string,
  options: OnnxOptions,
): Promise<string> {
  const place = await findPlace(repository, name);
  return writeAside(place, async (candidate) => {
    const notes = await importOnnx(path, candidate, options);
    return [describe(await modelAsServed(candidate), place, repository), ...notes].join('\n');
  });
}
