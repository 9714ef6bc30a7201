import { mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fromHome } from '../../../server/platform/install.ts';
import type { Candidate } from '../../../server/repository/listing.ts';
import { Failure } from '../../cli/faults.ts';
import type { Terminal } from '../../cli/liveLine.ts';
import { findEnvironment } from './environment.ts';
import { runProcess } from './process.ts';

const SOURCES = fromHome('python/src');

/** What is passed on to Python as it is. */
export interface ExportOptions {
  readonly rows?: string | undefined;
  readonly target?: string | undefined;
  /** Of the matrix that the model was fitted on, in its order, as a line of CSV. */
  readonly columns?: string | undefined;
  readonly description?: string | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly integers: readonly string[];
  readonly texts: readonly string[];
  readonly routes: readonly string[];
  readonly answer?: { readonly key: string; readonly decimals?: number } | undefined;
  readonly tolerance?: number | undefined;
}

export interface PythonOptions {
  /** The user's Python, with the packages; else an environment is made. */
  readonly python?: string | undefined;
  readonly with: readonly string[];
  readonly trust: boolean;
  readonly folder: string;
  readonly interrupt: AbortSignal;
  readonly stderr: Terminal;
}

/** What the file says without being run. */
interface Facts {
  readonly kind: string;
  readonly path: string;
  readonly folder?: string;
  readonly needs: readonly string[];
  readonly fitted: Readonly<Record<string, string>>;
  readonly python: string;
}

/** What an import compared. */
export interface Report {
  readonly framework: string;
  readonly rows: number;
  readonly edges: number;
  readonly largest: number;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly madeUp: boolean;
}

async function inspect(path: string, options: PythonOptions): Promise<Facts> {
  const program = options.python ?? 'python3';
  const script = join(SOURCES, 'servemodel/inspecting.py');
  const { code, stdout, stderr } = await runProcess(program, ['-I', script, path], {
    folder: options.folder,
    interrupt: options.interrupt,
  });
  if (code !== 0)
    throw new Failure(
      `${program} can't look into ${path}: ${stderr.trim().split('\n').at(-1) ?? `exit code ${code}`}`,
    );
  const facts = JSON.parse(stdout) as Facts & { readonly refused?: string };
  if (facts.refused !== undefined) throw new Failure(facts.refused);
  return facts;
}

/** Whether a file is the user's own: it belongs to him, and is below the current folder or his home. */
async function isOwn(path: string, folder: string): Promise<boolean> {
  const real = await realpath(path);
  const { uid } = await stat(real);
  const below = await Promise.all([folder, homedir()].map((place) => realpath(place).catch(() => undefined)));
  return (
    uid === process.getuid?.() &&
    below.some((place) => place !== undefined && real.startsWith(`${place}${sep}`))
  );
}

async function requireTrust({ kind, path }: Facts, { trust, folder }: PythonOptions): Promise<void> {
  if (kind !== 'pickle' || trust || (await isOwn(path, folder))) return;
  throw new Failure(
    `${path} is a pickle, which runs the code that is in it, and it is not your own file below this folder or your home: ` +
      'if you know where it is from, import it with --trust',
  );
}

/**
 * Writes the files of a version from what Python reads into the candidate's folder.
 *
 * @param path a file, an MLflow folder, or `package.module:name`
 * @throws {Failure | Interrupted}
 */
export async function importByPython(
  path: string,
  candidate: Candidate,
  exported: ExportOptions,
  options: PythonOptions,
): Promise<Report> {
  const { folder, interrupt, stderr } = options;
  const facts = await inspect(path, options);
  await requireTrust(facts, options);
  const parquet = /\.(?:parquet|pq)$/.test(exported.rows ?? '') ? ['pyarrow'] : [];
  const python =
    options.python ??
    (await findEnvironment({
      needs: [...facts.needs, ...parquet],
      wanted: options.with,
      python: 'python3',
      version: facts.python,
      folder,
      interrupt,
      stderr,
    }));
  const work = await mkdtemp(join(tmpdir(), 'servemodel-import-'));
  try {
    const [asked, answered] = [join(work, 'options.json'), join(work, 'report.json')];
    const { name, version } = candidate;
    const all = {
      ...facts,
      ...exported,
      trust: options.trust,
      out: candidate.folder,
      version: `${name}/${version}`,
    };
    await writeFile(asked, JSON.stringify(all));
    const { code } = await runProcess(python, ['-m', 'servemodel.importing', asked, answered], {
      folder,
      interrupt,
      stderr,
      // Exporters walk through sets: the same file is to give the same bytes. Where its modules are compiled is not ours.
      env: { PYTHONPATH: SOURCES, PYTHONHASHSEED: '0', PYTHONDONTWRITEBYTECODE: '1' },
    });
    if (code !== 0) throw new PythonRefused();
    return JSON.parse(await readFile(answered, 'utf8')) as Report;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Python has printed the reason. */
export class PythonRefused extends Failure {
  override readonly name = 'PythonRefused';
}
