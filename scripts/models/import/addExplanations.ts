import { createHash } from 'node:crypto';
import { access, constants, copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { countCovers } from '../../../worker/explanation/countCovers.ts';
import { writeCovers } from '../../../worker/onnx/writeCovers.ts';
import { liftModel } from '../../../server/compiler/lift/lift.ts';
import { createFeatureEncoder } from '../../../server/encoding/encoder.ts';
import { Problem } from '../../../server/errors/problem.ts';
import type { Encoder } from '../../../server/model/rows.ts';
import { loadExplanation } from '../../../server/loading/explanation/loadExplanation.ts';
import { readModelVersion } from '../../../server/loading/readModelVersion.ts';
import type { Model } from '../../../server/model/model.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { listFolder } from '../../../server/repository/folder.ts';
import type { Candidate } from '../../../server/repository/listing.ts';
import { Failure, UsageError } from '../../cli/faults.ts';
import type { Surroundings } from '../../cli/tool.ts';
import { score } from '../openVersion.ts';
import type { FileRows } from '../readRows.ts';
import { readRows } from '../readRows.ts';
import { BACKGROUND_ROWS, backgroundOf } from './backgroundRows.ts';
import { modelAsServed } from './served.ts';

/** Rows that make covers. */
const LEAST_ROWS = 100;
/** Rows that the old and the new file answer. */
const MOST_COMPARED = 2000;

export const ADD_EXPLANATIONS = 'add-explanations';

export const ADD_EXPLANATIONS_USAGE = `Usage: npm run import -- ${ADD_EXPLANATIONS} NAME/VERSION ROWS [options]

Adds to a version what explanations need, from rows of the training: background.json with ${BACKGROUND_ROWS} of them, and to a
forest whose nodes have no covers how many rows come to each, in model.onnx. Its answers stay the same, bit by bit. ROWS is
CSV with a header line, or JSON lines, .gz too.

  --repository FOLDER  where the version is; the project's models/ unless given
  --replace            write over model.onnx, model.json and background.json where that is needed
  --help               print this
`;

/** Files to write, by name. */
type Files = Map<string, Uint8Array | string>;

async function findCandidate(repository: string, id: string): Promise<Candidate> {
  const { candidates } = await listFolder(repository);
  const candidate = candidates.find((one) => one.id === id);
  if (!candidate) throw new Failure(`${repository} holds no ${id}`);
  return candidate;
}

/** @throws {Failure} for rows that the model doesn't take */
function checkRows({ id, encoder }: { id: string; encoder: Encoder }, { columns, data }: FileRows) {
  try {
    return encoder.encode(columns, data);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const [first] = error.extensions.errors ?? [];
    const where = first ? ` (row ${first.row}, column ${first.column ?? '?'}: ${first.message})` : '';
    throw new Failure(`${id} doesn't take the rows: ${error.message}${where}`);
  }
}

/** The file with covers; undefined where it needs none. @throws {Failure} */
function withCovers(model: Model, onnx: Uint8Array, rows: FileRows): Uint8Array | undefined {
  const lifted = liftModel(onnx, model.signature);
  if (!lifted.lifted || lifted.rest.kind !== 'forest' || !lifted.rest.node) return undefined;
  const { rest, columns, features } = lifted;
  if (rest.hasCovers || !rest.node) return undefined;
  if (rows.data.length < LEAST_ROWS)
    throw new Failure(
      `covers of a forest are counts of at least ${LEAST_ROWS} rows, and the file has ${rows.data.length}`,
    );
  const encoder = createFeatureEncoder(model.signature, columns, features);
  const { cells } = checkRows({ id: model.id, encoder }, rows);
  return writeCovers(onnx, rest.node, countCovers(rest.ensemble, cells as Float32Array, features));
}

/** The digest is a member of model.json, whose other bytes stay as they are. */
async function withDigest({ folder, id }: Candidate, before: string, onnx: Uint8Array): Promise<string> {
  const text = await readFile(join(folder, 'model.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return '';
  if (text.split(before).length !== 2) throw new Failure(`${id}/model.json has no sha256 to renew`);
  return text.replace(before, createHash('sha256').update(onnx).digest('hex'));
}

/** A copy of the version with the new files. */
async function copyAside(candidate: Candidate, files: Files, aside: string): Promise<Candidate> {
  for (const file of ['model.onnx', 'model.json', 'golden.json'])
    if (!files.has(file))
      await copyFile(join(candidate.folder, file), join(aside, file)).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error;
        },
      );
  for (const [file, content] of files) await writeFile(join(aside, file), content);
  return { ...candidate, folder: aside, root: aside };
}

/** @throws {Failure} where an answer is another one, or there is no explanation */
async function check(before: Model, after: Candidate, rows: FileRows): Promise<string> {
  const served = await modelAsServed(after);
  const some = { ...rows, data: rows.data.slice(0, MOST_COMPARED) };
  const { model } = await readModelVersion(after);
  const [old, now] = [await score(before, some), await score(model, some)];
  if (!old.every((answer, at) => Object.is(answer, now[at])))
    throw new Failure(`${before.id} would answer otherwise: nothing is written`);
  const { sha256 } = served.signature;
  const found = await loadExplanation({
    candidate: after,
    maxModelBytes: Infinity,
    sha256,
    path: served.engine.path,
  });
  if ('reason' in found) throw new Failure(`${before.id} can't be explained: ${found.reason}`);
  const method = found.kind === 'sampled' ? found.plan.method : found.kind;
  return `${method}, in the space ${found.space}`;
}

/** Each file in one step; the graph before its digest, so that a server refuses half a change and tries again. */
async function writeFiles({ folder }: Candidate, files: Files): Promise<void> {
  for (const [file, content] of files) {
    const aside = join(folder, `.${file}.${process.pid}`);
    await writeFile(aside, content);
    await rename(aside, join(folder, file));
  }
}

export async function addExplanations(
  argv: readonly string[],
  { stdout, folder }: Surroundings,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { repository: { type: 'string' }, replace: { type: 'boolean' } },
  });
  const [id, file, ...others] = positionals;
  if (!id || !file || others.length > 0) throw new UsageError('NAME/VERSION and ROWS are needed');
  const repository =
    values.repository === undefined ? fromHome('models') : resolve(folder, values.repository);
  const candidate = await findCandidate(repository, id);
  const { model, readOnnx, background } = await readModelVersion(candidate);
  const onnx = await readOnnx();
  if (!onnx) throw new Failure(`${id} has no model.onnx`);
  const rows = await readRows(resolve(folder, file), model.signature);
  checkRows(model, rows);
  const files: Files = new Map();
  const covered = withCovers(model, onnx.bytes, rows);
  if (covered) {
    files.set('model.onnx', covered);
    const json = await withDigest(candidate, onnx.sha256, covered);
    if (json !== '') files.set('model.json', json);
  }
  files.set('background.json', backgroundOf(model, rows));
  const over = [...files.keys()].filter((name) => name !== 'background.json' || background !== undefined);
  if (over.length > 0 && !values.replace)
    throw new Failure(`${over.join(' and ')} of ${id} would be written over: say so with --replace`);
  await access(candidate.folder, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${candidate.folder} cannot be written (${error.code ?? 'unknown error'})`);
  });
  const aside = await mkdtemp(join(tmpdir(), 'servemodel-explain-'));
  try {
    const how = await check(model, await copyAside(candidate, files, aside), rows);
    await writeFiles(candidate, files);
    stdout.write(
      `${candidate.folder}: explained by ${how}; ${[...files.keys()].join(', ')} written from ${rows.data.length} rows\n`,
    );
    return 0;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
