import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { importFile } from '../../scripts/testing/importFile.ts';
import { fromHome } from '../platform/install.ts';
import { withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';

type Row = readonly (number | string)[];

/** A file that is served: each row has the answer that ONNX Runtime's Python package gives to it alone. */
interface Served {
  readonly rows: readonly Row[];
  readonly answers: readonly unknown[];
  readonly batching?: 'row';
}

const tenRowsAndSome = Array.from({ length: 23 }, (_, row) => [row, 1, 2]);

// The kinds of files that people bring, in server/testing/userModels.
const SERVED: Readonly<Record<string, Readonly<Record<string, Served>>>> = {
  'answers that depend on the batch': {
    mlp_q: {
      rows: [
        [0.3, -0.5, 0.8, 0.1],
        [60, -40, 30, 9],
      ],
      answers: [2.1070714, 155.21272],
      batching: 'row',
    },
    mixes_rows: {
      rows: [
        [1, 2, 3],
        [4, 5, 9],
      ],
      answers: [0, 0],
      batching: 'row',
    },
  },
  'a fixed number of rows': {
    fixed1: {
      rows: [
        [0.5, 1],
        [1, 2],
      ],
      answers: [2.5, 5],
    },
    batch_of_1: {
      rows: [
        [1, 2, 3],
        [4, 5, 9],
      ],
      answers: [6, 18],
    },
    batch_of_10: { rows: tenRowsAndSome, answers: tenRowsAndSome.map(([first = 0]) => first + 3) },
  },
  'element types': {
    f64: { rows: [[0.5, 1]], answers: [2.5] },
    doubles: { rows: [[0.1], [1e30]], answers: [0.1, 1e30] },
    f16: { rows: [[0.5, 1]], answers: [2.5] },
    str2d: { rows: [['Bonn'], ['Oslo'], ['Kiel']], answers: [1, 2, -1] },
  },
  'probabilities in a ZipMap': {
    cb_clf: { rows: [[0.5, 1, 1.5]], answers: [1] },
    zipmap: { rows: [[0.5, 1]], answers: [0] },
  },
};

// Networks that give scores and no label: as they are they are refused, and their import has the classes.
const NETWORKS = ['logits3', 'softmax3'];
const CLASSES = ['0', '7', '9'];
const IMPORTED: Served = {
  rows: [
    [0.5, 1],
    [-2, 0.25],
    [1, -3],
  ],
  answers: [0, 7, 9],
};

// What to do stands in the sentence.
const REFUSED: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  'answers that change from run to run': { random: /random operators.*training mode \(dropout\)/ },
  'weights in another file': { extdata: /import/ },
  'scores without a label': Object.fromEntries(
    NETWORKS.map((name) => [name, /3 numbers a row: say by npm run import .*--classes a,b,c if scores/]),
  ),
};

const copy = (repository: string, name: string): void => {
  const version = join(repository, name, '1');
  mkdirSync(version, { recursive: true });
  const source = fromHome(`server/testing/userModels/${name}.onnx`);
  cpSync(source, join(version, 'model.onnx'));
  if (existsSync(`${source}.data`)) cpSync(`${source}.data`, join(version, `${name}.onnx.data`));
};

const entries = <T>(kinds: Readonly<Record<string, Readonly<Record<string, T>>>>): [string, string, T][] =>
  Object.entries(kinds).flatMap(([kind, files]) =>
    Object.entries(files).map(([name, file]): [string, string, T] => [kind, name, file]),
  );

interface ModelState {
  readonly name: string;
  readonly state: string;
  readonly stateReason?: string;
  readonly batching?: string;
  readonly columns?: readonly { readonly name: string }[];
}

it('serves the files that people bring, each row as if it were alone, or says what to do', async () => {
  await withTemporaryFolder(async (folder) => {
    for (const [, name] of entries(SERVED)) copy(folder, name);
    for (const [, name] of entries(REFUSED)) copy(folder, name);
    for (const name of NETWORKS)
      await importFile(fromHome(`server/testing/userModels/${name}.onnx`), folder, `${name}-imported`, {
        classes: CLASSES,
      });
    const env = { MODEL_REPOSITORY: folder, DEFAULT_MODEL: 'fixed1', WEB_CONCURRENCY: '1' };
    await withServer({ args: ['--no-install', '--no-proxy'], env }, async ({ port }) => {
      const url = `http://127.0.0.1:${port}`;
      const { models } = (await (await fetch(`${url}/models`)).json()) as { models: ModelState[] };
      const stateOf = (name: string) => models.find((model) => model.name === name);

      const networks = NETWORKS.map((name) => ['a network', `${name}-imported`, IMPORTED] as const);
      for (const [kind, name, { rows, answers, batching }] of [...entries(SERVED), ...networks]) {
        const state = stateOf(name);
        expect
          .soft(state, `${kind}: ${name}`)
          .toMatchObject({ state: 'ready', ...(batching && { batching }) });
        // Each row as an array without names: V1's form.
        const ask = async (instances: readonly Row[]) =>
          (
            await fetch(`${url}/v1/models/${name}:predict`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ instances }),
            })
          ).json() as Promise<{ predictions?: number[] }>;
        const together = (await ask(rows)).predictions ?? [];
        expect.soft(together.length, `${kind}: ${name}`).toBe(answers.length);
        for (const [row, answer] of answers.entries()) {
          const alone = ((await ask(rows.slice(row, row + 1))).predictions ?? [])[0];
          expect.soft(together[row], `${kind}: ${name}, row ${row + 1} beside others`).toBe(alone);
          expect.soft(alone, `${kind}: ${name}, row ${row + 1}`).toBeCloseTo(answer as number, 4);
        }
      }
      for (const [kind, name, sentence] of entries(REFUSED)) {
        expect.soft(stateOf(name)?.state, `${kind}: ${name}`).toBe('refused');
        expect.soft(stateOf(name)?.stateReason, `${kind}: ${name}`).toMatch(sentence);
      }
    });
  });
});
