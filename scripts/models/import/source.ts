import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../cli/faults.ts';

/** Folders below a path that are searched for an MLflow model. */
const DEPTH = 6;
const MAX_FOLDERS = 5000;

/** What a path leads to: an ONNX file, or something that Python reads. */
export interface Source {
  readonly kind: 'onnx' | 'python';
  readonly path: string;
  /** The MLflow folder's file. */
  readonly mlmodel?: string;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const cannotRead = (path: string, { code }: NodeJS.ErrnoException): Failure =>
  new Failure(`${path} cannot be read (${code ?? 'unknown error'})`);

/** The MLflow model folders at or below a folder: mlruns/, a run, an artifact folder. */
async function modelFolders(root: string): Promise<string[]> {
  const found: string[] = [];
  let level = [root];
  let seen = 0;
  for (let depth = 0; depth < DEPTH && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const folder of level) {
      if ((seen += 1) > MAX_FOLDERS)
        throw new Failure(`${root} holds too many folders: name the model's own`);
      const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
        throw cannotRead(folder, error as NodeJS.ErrnoException);
      });
      if (entries.some((entry) => entry.name === 'MLmodel' && !entry.isDirectory())) found.push(folder);
      else
        next.push(...entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name)));
    }
    level = next;
  }
  return found.sort();
}

async function fromFolder(path: string): Promise<Source> {
  const folders = await modelFolders(path);
  const [folder, ...others] = folders;
  if (folder === undefined) {
    if (await exists(join(path, 'model.onnx'))) return { kind: 'onnx', path: join(path, 'model.onnx') };
    throw new Failure(`${path} holds no MLflow model (a folder with a file MLmodel) and no model.onnx`);
  }
  if (others.length > 0)
    throw new Failure(
      `${path} holds ${folders.length} MLflow models, name one: ${folders.slice(0, 5).join(', ')}${others.length > 4 ? ', …' : ''}`,
    );
  const mlmodel = join(folder, 'MLmodel');
  if (await exists(join(folder, 'model.onnx')))
    return { kind: 'onnx', path: join(folder, 'model.onnx'), mlmodel };
  return { kind: 'python', path: folder };
}

/**
 * Whether a file looks like an ONNX file: a protobuf whose first field is the version of the format, which no other
 * format begins with. A broken one by that ending is an ONNX file, too, so that its fault is named.
 */
async function isOnnx(path: string): Promise<boolean> {
  if (/\.onnx$/i.test(path)) return true;
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw cannotRead(path, error);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(3), 0, 3, 0);
    // ir_version 1 to 31; then producer_name, opset_import, or the graph.
    const [tag, version = 0, next = 0] = buffer;
    return (
      bytesRead === 3 &&
      tag === 0x08 &&
      version > 0 &&
      version < 32 &&
      [0x12, 0x1a, 0x3a, 0x42].includes(next)
    );
  } finally {
    await file.close();
  }
}

/**
 * What a path leads to. `package.module:name` is an object that Python imports.
 *
 * @throws {Failure}
 */
export async function findSource(path: string, given: string): Promise<Source> {
  const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw cannotRead(path, error);
  });
  if (entry === undefined) {
    if (/^[\w.]+:\w+$/.test(given)) return { kind: 'python', path: given };
    throw new Failure(`${path} cannot be read (ENOENT)`);
  }
  if (entry.isDirectory()) return fromFolder(path);
  if (!entry.isFile()) throw new Failure(`${path} is neither a file nor a folder`);
  return { kind: (await isOnnx(path)) ? 'onnx' : 'python', path };
}
