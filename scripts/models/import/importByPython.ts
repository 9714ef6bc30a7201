import { mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fromHome } from '../../../server/platform/install.ts';
import type { Candidate } from '../../../server/repository/listing.ts';
import { Failure } from '../../cli/faults.ts';
import type { Terminal } from '../../cli/liveLine.ts';
import type { OnnxOptions } from './describeOnnx.ts';
import { findEnvironment, hasTorch } from './environment.ts';
import { importOnnx } from './importOnnx.ts';
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
  /** Names of several values. */
  readonly outputs?: readonly string[] | undefined;
  readonly integers: readonly string[];
  /** Dropped by the model, and sent by clients all the same. */
  readonly keep: readonly string[];
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
  /** Refuses options that the model has no use for, once its form is known. */
  readonly check: (form: 'torch' | 'library') => void;
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
  /** Parts of a large forest that ONNX Runtime answered one after another; 0: it answered the whole file. */
  readonly parts?: number;
  /** Python wrote model.onnx alone: the rest is taken as from any ONNX file. */
  readonly onnx?: boolean;
  /** What was assumed about the ONNX file. */
  readonly notes?: readonly string[];
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
  const runs = { pickle: 'is a pickle, which runs', torch: 'can hold pickles, which run' }[kind];
  if (runs === undefined || trust || (await isOwn(path, folder))) return;
  throw new Failure(
    `${path} ${runs} the code that is in it, and it is not your own file below this folder or your home: ` +
      'if you know where it is from, import it with --trust',
  );
}

/** The Python that imports: the user's, or an environment. PyTorch takes gigabytes, so that it is asked for. */
async function pythonFor(facts: Facts, rows: string | undefined, options: PythonOptions): Promise<string> {
  const { folder, interrupt, stderr } = options;
  if (options.python !== undefined) return options.python;
  if (facts.kind === 'torch' && options.with.every((spec) => !/^torch\b/.test(spec))) {
    if (await hasTorch('python3', { folder, interrupt })) return 'python3';
    throw new Failure(
      `${facts.path} is a PyTorch program, and python3 has no torch and onnxscript: --python with an environment that has them, or --with torch, which installs them once (some GB)`,
    );
  }
  const parquet = /\.(?:parquet|pq)$/.test(rows ?? '') ? ['pyarrow'] : [];
  return findEnvironment({
    needs: [...facts.needs, ...parquet],
    wanted: options.with,
    python: 'python3',
    version: facts.python,
    folder,
    interrupt,
    stderr,
  });
}

/**
 * Writes the files of a version from what Python reads into the candidate's folder.
 *
 * @param path a file, an MLflow folder, or `package.module:name`
 * @param onnx what the caller says about a program of PyTorch, which becomes an ONNX file
 * @throws {Failure | Interrupted}
 */
export async function importByPython(
  path: string,
  candidate: Candidate,
  exported: ExportOptions,
  onnx: OnnxOptions,
  options: PythonOptions,
): Promise<Report> {
  const { folder, interrupt, stderr } = options;
  const facts = await inspect(path, options);
  if (facts.kind !== 'object') options.check(facts.kind === 'torch' ? 'torch' : 'library');
  await requireTrust(facts, options);
  const python = await pythonFor(facts, exported.rows, options);
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
    const program = facts.kind === 'torch' ? 'servemodel.torch_program' : 'servemodel.importing';
    const { code } = await runProcess(python, ['-m', program, asked, answered], {
      folder,
      interrupt,
      stderr,
      // Exporters walk through sets: the same file is to give the same bytes. Where its modules are compiled is not ours.
      env: { PYTHONPATH: SOURCES, PYTHONHASHSEED: '0', PYTHONDONTWRITEBYTECODE: '1' },
    });
    if (code !== 0) throw new PythonRefused();
    const report = JSON.parse(await readFile(answered, 'utf8')) as Report;
    if (facts.kind === 'object') options.check(report.onnx ? 'torch' : 'library');
    if (!report.onnx) return report;
    return { ...report, notes: await importOnnx(join(candidate.folder, 'model.onnx'), candidate, onnx) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Python has printed the reason. */
export class PythonRefused extends Failure {
  override readonly name = 'PythonRefused';
}
