import { readFile } from 'node:fs/promises';
import type { Encoder } from '../../../../server/model/rows.ts';
import { liftModel } from '../../../../server/compiler/lift/lift.ts';
import { findFastPath } from '../../../../server/compiler/fastPath.ts';
import type { Fast, Model } from '../../../../server/model/model.ts';
import { readRepository } from '../../../../server/testing/readRepository.ts';
import { openTask } from '../../../../server/inference/openTask.ts';
import { measureForest, measurePair } from '../../../../worker/forest/testing/measure.ts';
import { MAX_BATCH_ROWS, answerWidth } from '../../../../worker/protocol.ts';
import type { WholeGraph } from '../../../../worker/protocol.ts';
import type { Scorer } from '../../../../worker/scorer.ts';
import { openFast, openWhole } from '../../../../worker/scorer.ts';
import { BenchError } from '../../../cli/errors.ts';
import type { Progress } from '../progress.ts';
import type { CompilerResult } from '../results.ts';
import type { Table } from '../rows.ts';

export const KERNEL_ROWS = [1, 16, 256, 1000] as const;

export const PATH_ROWS = [1, 256] as const;

export interface CompilerOptions {
  /** A model repository. */
  readonly repository: string;
  readonly table: Table;
  readonly progress: Progress;
}

export const STEPS = 2;

/** Compares the compiled model with ONNX Runtime, in this process and without HTTP. */
export async function runCompiler({ repository, table, progress }: CompilerOptions): Promise<CompilerResult> {
  const [whole] = await readRepository(repository);
  const model = whole && (await findFastPath(whole));
  if (model?.fast?.path.rest.kind !== 'forest') throw new BenchError('the measured model was not compiled');
  progress.step('compiler: the forest alone');
  const kernel = await compareForest(model, model.fast, table);
  progress.step('compiler: encoding and forest');
  return { kernel, path: await comparePaths(model, model.fast, table) };
}

async function compareForest(model: Model, fast: Fast, table: Table): Promise<CompilerResult['kernel']> {
  const lifted = liftModel(await readFile(model.path), model.signature);
  if (!lifted.lifted || fast.path.rest.kind !== 'forest' || model.output.task !== 'classification')
    throw new BenchError('the measured model is no lifted classifier');
  const { cells } = fast.encoder.encode(table.columns, table.data);
  return measureForest(
    {
      ...lifted.graph(),
      compiled: fast.path.rest.forest,
      output: model.output.probabilities,
      matrix: cells as Float32Array,
    },
    KERNEL_ROWS,
  );
}

/** From the values of a request to its answers, as a server process and a thread do it. */
async function comparePaths(model: Model, fast: Fast, table: Table): Promise<CompilerResult['path']> {
  const { whole } = openTask(model, {
    cells: { whole: undefined, fast: undefined },
    answers: new SharedArrayBuffer(0),
  });
  const graph = await openWhole(whole as WholeGraph, model.output);
  const compiled = await openFast(fast.path, model.output);
  const answers = new Float64Array(MAX_BATCH_ROWS * answerWidth(model.output));
  const way = (encoder: Encoder, scorer: Scorer) => (from: number, rows: number) => {
    const { cells, texts } = encoder.encode(table.columns, table.data.slice(from, from + rows));
    return scorer.score(cells, texts, rows, answers);
  };
  const pairs: CompilerResult['path'][number][] = [];
  for (const rows of PATH_ROWS) {
    pairs.push(
      await measurePair(rows, table.data.length, {
        onnxRuntime: way(model.encoder, graph),
        ours: way(fast.encoder, compiled),
      }),
    );
  }
  await graph.close();
  await compiled.close();
  return pairs;
}
