import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createCsvReader } from '../../../server/dialects/forms/csvReader.ts';
import { Problem } from '../../../server/errors/problem.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { UsageError } from '../../cli/faults.ts';
import type { Surroundings } from '../../cli/tool.ts';
import { runTool, withUsage } from '../../cli/tool.ts';
import { ADD_EXPLANATIONS, ADD_EXPLANATIONS_USAGE, addExplanations } from './addExplanations.ts';
import type { ExportOptions, PythonOptions, Report } from './importByPython.ts';
import { PythonRefused, importByPython } from './importByPython.ts';
import { importOnnx } from './importOnnx.ts';
import { SAYABLE } from './describeOnnx.ts';
import type { OnnxOptions } from './describeOnnx.ts';
import { findPlace, nameOf, writeAside } from './place.ts';
import { describe, modelAsServed } from './served.ts';
import { findSource } from './source.ts';

const USAGE = `Usage: npm run import -- PATH [options]

Writes models/NAME/VERSION with model.onnx, model.json and golden.json from what PATH holds, and checks that it is
served with the library's own answers; nothing is written otherwise. PATH is recognised by its content:

  a scikit-learn pipeline or estimator, also with LightGBM, XGBoost or CatBoost: joblib, pickle, cloudpickle, skops
  a LightGBM (.txt), XGBoost (.json, .ubj) or CatBoost (.cbm) model
  an MLflow model folder (sklearn, lightgbm, xgboost, catboost, onnx), or a folder with one below it
  a PyTorch program of torch.export (.pt2); an ONNX file
  an object that Python imports, package.module:name: an estimator, a PyTorch module, or a function that returns one

  --name NAME          the model's name; taken from PATH unless given
  --version N          the next one unless given
  --rows FILE          rows to compare on, best those of the training: CSV with a header line, parquet; for ONNX CSV as
                       the server reads it, or JSON lines, .gz too. Ranges and categories are taken from them; without
                       them, rows are made up
  --target COLUMN      the column of the true answers in the rows: quality is measured; for ONNX it is left out. Of a
                       model with several values A,B,…, one for each
  --columns A,B,…      the columns of the rows in the order of the matrix that the model takes, where that has no names; as
                       a line of CSV
  --repository FOLDER  where to write; the project's models/ unless given
  --description TEXT   one sentence: what the model predicts
  --classes A,B,…      names for the classes of a model that numbers them; for ONNX, the classes of a network without a
                       label, in the order of its scores (two for a single score)
  --integer COLUMN     a column of whole numbers whose type in the rows is float; may be repeated
  --keep COLUMN        a column that the model drops and that clients send all the same; may be repeated
  --text COLUMN        a CSV column that is text though it looks like numbers; may be repeated
  --route PATH         a path at which the model answers in its own form; may be repeated
  --answer-key KEY     its own form of an answer: {KEY: value}; --decimals N: places that values are rounded to
  --tolerance X        largest difference from the library that is accepted
  --scores KIND        ONNX only: what a network's scores are, probabilities or logits; by its last operator unless given
  --outputs A,B,…      names of the values or labels that a row is answered with, in their order; those of --target unless
                       given
  --task TASK          ONNX only, where the file can't say it: ranking, multioutput-regression, quantile-regression or
                       transformation
  --signature FILE     ONNX only: a model.json to take instead of what the file says
  --python PROGRAM     a Python with the packages, in place of an environment that is made at first use in
                       ~/.cache/servemodel
  --with PACKAGE==X    a package of that environment in this version; may be repeated
  --trust              load a pickle that isn't your own file below this folder or your home, or skops' unknown types
  --help               print this

npm run import -- ${ADD_EXPLANATIONS} NAME/VERSION ROWS adds to a version what explanations need: see its --help.
`;

const one = { type: 'string' } as const;
const many = { type: 'string', multiple: true } as const;
const OPTIONS = {
  ...{
    name: one,
    version: one,
    rows: one,
    target: one,
    columns: one,
    repository: one,
    description: one,
    classes: one,
  },
  ...{ 'answer-key': one, decimals: one, tolerance: one, python: one },
  ...{ signature: one, scores: one, outputs: one, task: one },
  ...{ integer: many, keep: many, text: many, route: many, with: many },
  trust: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof readArguments>['values'];

function readArguments(argv: readonly string[]) {
  const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: OPTIONS });
  const [path, ...others] = positionals;
  if (!path || others.length > 0) throw new UsageError('one PATH is needed');
  return { values, path };
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0)) throw new UsageError(`--${option} is a number from 0 up`);
  return number;
}

function exportOptions(values: Values, rows: string | undefined): ExportOptions {
  const key = values['answer-key'];
  const decimals = numberOf('decimals', values.decimals);
  if (decimals !== undefined && key === undefined) throw new UsageError('--decimals needs --answer-key');
  return {
    rows,
    target: values.target,
    columns: values.columns,
    description: values.description,
    classes: values.classes === undefined ? undefined : listOf('classes', values.classes),
    outputs: values.outputs === undefined ? undefined : listOf('outputs', values.outputs),
    integers: values.integer ?? [],
    keep: values.keep ?? [],
    texts: values.text ?? [],
    routes: values.route ?? [],
    answer: key === undefined ? undefined : { key, ...(decimals === undefined ? {} : { decimals }) },
    tolerance: numberOf('tolerance', values.tolerance),
  };
}

/** Options that a model has no use for: one whose ONNX form is all that there is, or one of a library. */
const UNUSED = {
  onnx: [
    ...(['description', 'answer-key', 'integer', 'text', 'route'] as const),
    // Of the way to an ONNX file.
    ...(['tolerance', 'python', 'with'] as const),
  ],
  torch: ['description', 'answer-key', 'integer', 'text', 'route'],
  library: ['signature', 'scores', 'task'],
} as const;

/** @throws {UsageError} for an option that would change nothing */
function refuseUnused(values: Values, form: keyof typeof UNUSED): void {
  const wrong = UNUSED[form].find((name) => values[name] !== undefined);
  if (wrong === undefined) return;
  if (form === 'library') throw new UsageError(`--${wrong} is for an ONNX file or a PyTorch program`);
  const what = form === 'onnx' ? 'an ONNX file' : 'a PyTorch program';
  throw new UsageError(`--${wrong} has no use for ${what}: a model.json by --signature may say it`);
}

/** What leaves nothing to say for others. */
const SAYS_ALL = {
  signature: ['classes', 'scores', 'outputs', 'task', 'columns'],
  classes: ['outputs', 'task'],
} as const;

/** The names in a line of CSV. */
function listOf(option: string, line: string): readonly string[] {
  let names: readonly string[] = [];
  try {
    const reader = createCsvReader((cells) => (names = cells));
    reader.write(line);
    reader.end();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new UsageError(`--${option} is a line of CSV`);
  }
  return names;
}

function onnxOptions(
  values: Values,
  rows: string | undefined,
  folder: string,
  mlmodel?: string,
): OnnxOptions {
  for (const option of ['signature', 'classes'] as const) {
    const idle = values[option] === undefined ? undefined : SAYS_ALL[option].find((name) => values[name]);
    if (idle !== undefined) throw new UsageError(`--${idle} has no use beside --${option}`);
  }
  const { signature, target, columns, classes, scores, outputs } = values;
  if (scores !== undefined && scores !== 'probabilities' && scores !== 'logits')
    throw new UsageError('--scores is probabilities or logits');
  const task = SAYABLE.find((name) => name === values.task);
  if (values.task !== undefined && !task) throw new UsageError(`--task is one of ${SAYABLE.join(', ')}`);
  return {
    ...(rows === undefined ? {} : { rows }),
    ...(signature === undefined ? {} : { signature: resolve(folder, signature) }),
    ...(mlmodel === undefined ? {} : { mlmodel }),
    ...(target === undefined ? {} : { target }),
    ...(columns === undefined ? {} : { columns: listOf('columns', columns) }),
    ...(classes === undefined ? {} : { classes: listOf('classes', classes) }),
    ...(scores === undefined ? {} : { scores }),
    ...(outputs === undefined ? {} : { outputs: listOf('outputs', outputs) }),
    ...(task === undefined ? {} : { task }),
  };
}

async function importPath(
  argv: readonly string[],
  { stdout, stderr, folder, interrupt }: Surroundings,
): Promise<number> {
  const { values, path: given } = readArguments(argv);
  const source = await findSource(resolve(folder, given), given);
  const rows = values.rows === undefined ? undefined : resolve(folder, values.rows);
  const exported = exportOptions(values, rows);
  const onnx = onnxOptions(values, rows, folder, source.mlmodel);
  if (source.kind === 'onnx') refuseUnused(values, 'onnx');
  const repository = values.repository === undefined ? undefined : resolve(folder, values.repository);
  const place = await findPlace(
    repository ?? fromHome('models'),
    values.name ?? nameOf(resolve(folder, given)),
    values.version,
  );
  const python: PythonOptions = {
    python: values.python,
    with: values.with ?? [],
    trust: values.trust ?? false,
    check: (form) => refuseUnused(values, form),
    folder,
    interrupt,
    stderr,
  };
  const { model, remarks } = await writeAside(place, async (candidate) => {
    const done =
      source.kind === 'onnx'
        ? assumed(await importOnnx(source.path, candidate, onnx))
        : compared(await importByPython(source.path, candidate, exported, onnx, python));
    return { model: await modelAsServed(candidate), remarks: done };
  });
  stdout.write(describe(model, place, repository) + remarks);
  return 0;
}

/** What an ONNX file left open. */
const assumed = (notes: readonly string[]): string => notes.map((note) => `${note}\n`).join('');

/** What was compared with the library. */
function compared(report: Report): string {
  const { framework, rows, edges, largest, metrics, madeUp, parts = 0, notes = [] } = report;
  const real = madeUp ? 'made-up rows (--rows gives it real ones)' : 'rows';
  const figures = Object.entries(metrics).flatMap(([figure, value]) =>
    typeof value === 'number' && figure !== 'rows'
      ? [`${figure.replaceAll('_', ' ')}: ${+value.toFixed(6)}\n`]
      : [],
  );
  const more = edges === 0 ? '' : ` and ${edges} edge rows`;
  const how = parts === 0 ? '' : `, compared in ${parts} parts of whole trees`;
  return (
    `the same answers as ${framework} on ${rows} ${real}${more}, ` +
    `largest difference ${largest.toExponential(1)}${how}\n${figures.join('')}${assumed(notes)}`
  );
}

const importOne = withUsage(USAGE, async (argv, surroundings) => {
  try {
    return await importPath(argv, surroundings);
  } catch (error) {
    if (error instanceof PythonRefused) return 1;
    throw error;
  }
});
const addOne = withUsage(ADD_EXPLANATIONS_USAGE, addExplanations);

await runTool((argv, surroundings) =>
  argv[0] === ADD_EXPLANATIONS ? addOne(argv.slice(1), surroundings) : importOne(argv, surroundings),
);
