import type { FileHandle } from 'node:fs/promises';
import { constants, open, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Candidate } from './listing.ts';
import { ModelRefused } from '../model/refused.ts';

/** Larger files are refused unread: a protobuf message can't be larger, and JSON of this size is no signature. */
const MAX_BYTES: Readonly<Record<string, number>> = {
  'model.onnx': 2 ** 31 - 1,
  'model.json': 16 * 2 ** 20,
  'golden.json': 256 * 2 ** 20,
  'background.json': 16 * 2 ** 20,
  MLmodel: 16 * 2 ** 20,
};

const leadsOut = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way === '..' || way.startsWith(`..${sep}`);
};

/**
 * The real path of a version's file. Links are followed within the repository (mounted volumes are full of them), but not
 * out of it: users who can write to a model folder must not read our files through it.
 *
 * @returns undefined when there is no such file
 * @throws {ModelRefused}
 */
export async function locate({ id, folder, root }: Candidate, file: string): Promise<string | undefined> {
  const path = await realpath(join(folder, file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new ModelRefused(id, `${file} cannot be read (${error.code ?? 'unknown error'})`);
  });
  if (path !== undefined && leadsOut(root, path))
    throw new ModelRefused(id, `${file} is a link that leads out of the repository`);
  return path;
}

async function check(id: string, file: string, handle: FileHandle, most: number): Promise<void> {
  const entry = await handle.stat();
  if (entry.isDirectory()) throw new ModelRefused(id, `${file} cannot be read (EISDIR)`);
  // Reading a pipe could block, and reading a device could never end.
  if (!entry.isFile()) throw new ModelRefused(id, `${file} is no regular file`);
  if (entry.size > (MAX_BYTES[file] ?? 0))
    throw new ModelRefused(id, `${file} is too large (${entry.size} bytes)`);
  if (entry.size > most)
    throw new ModelRefused(id, `${file} has ${entry.size} bytes, more than MAX_MODEL_BYTES allows (${most})`);
}

/**
 * Opens a file of a version while `use` runs.
 *
 * @param most bytes that the file may have, by MAX_MODEL_BYTES
 * @returns the result of `use`; undefined when there is no such file
 * @throws {ModelRefused}
 */
export async function withFile<T>(
  candidate: Candidate,
  file: string,
  use: (handle: FileHandle, path: string) => Promise<T>,
  most = Infinity,
): Promise<T | undefined> {
  const path = await locate(candidate, file);
  if (path === undefined) return undefined;
  const refuse = (error: NodeJS.ErrnoException): never => {
    throw new ModelRefused(candidate.id, `${file} cannot be read (${error.code ?? 'unknown error'})`);
  };
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(refuse);
  try {
    await check(candidate.id, file, handle, most);
    return await use(handle, path);
  } finally {
    await handle.close();
  }
}
