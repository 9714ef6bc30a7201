import { createHash } from 'node:crypto';
import type { OnnxFile } from '../compiler/fastPath.ts';
import type { Candidate } from '../repository/listing.ts';
import { withFile } from '../repository/versionFiles.ts';

/** Returns the version's model.onnx; undefined when there is none. */
export type ReadOnnx = () => Promise<OnnxFile | undefined>;

export const digestOnnx = (bytes: Uint8Array): OnnxFile => ({
  bytes,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

/** Reads and digests a version's model.onnx at the first call only. @throws {ModelRefused} */
export function onnxReader(candidate: Candidate): ReadOnnx {
  let file: Promise<OnnxFile | undefined> | undefined;
  return () =>
    (file ??= withFile(candidate, 'model.onnx', async (handle) => digestOnnx(await handle.readFile())));
}
