import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { OnnxFile } from '../compiler/fastPath.ts';
import type { Candidate } from '../repository/listing.ts';
import { withFile } from '../repository/versionFiles.ts';

/** Returns the version's model.onnx; undefined when there is none. */
export type ReadOnnx = () => Promise<OnnxFile | undefined>;

export const digestOnnx = (bytes: Uint8Array): OnnxFile => ({
  bytes,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

/** A file's content in a buffer of its own, which can be handed to another thread without a copy. */
async function readWhole(handle: FileHandle): Promise<Uint8Array> {
  const { size } = await handle.stat();
  const bytes = new Uint8Array(size);
  let end = 0;
  while (end < size) {
    const { bytesRead } = await handle.read(bytes, end, size - end, end);
    // It was cut while it was read: then its digest is another one, too.
    if (bytesRead === 0) break;
    end += bytesRead;
  }
  return bytes.subarray(0, end);
}

/**
 * Reads and digests a version's model.onnx at the first call only.
 *
 * @param most bytes that the file may have
 * @throws {ModelRefused}
 */
export function onnxReader(candidate: Candidate, most?: number): ReadOnnx {
  let file: Promise<OnnxFile | undefined> | undefined;
  return () =>
    (file ??= withFile(candidate, 'model.onnx', async (handle) => digestOnnx(await readWhole(handle)), most));
}
