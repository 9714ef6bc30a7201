import { readFile } from 'node:fs/promises';
import type { Encoder } from '../../../../server/model/rows.ts';
import { liftModel } from '../../../../server/compiler/lift/lift.ts';
import { fastPathOf } from '../../../../server/testing/fastPathOf.ts';
import type { Fast, Model } from '../../../../server/model/model.ts';
import { readRepository } from '../../../../server/testing/readRepository.ts';
import { openTask } from '../../../../server/inference/openTask.ts';
import type { Pair } from '../../../../worker/forest/testing/measure.ts';
import { measureForest, measurePair } from '../../../../worker/forest/testing/measure.ts';
import { MAX_BATCH_ROWS, answerWidth } from '../../../../worker/protocol.ts';
import type { WholeGraph } from '../../../../worker/protocol.ts';
import type { Scorer } from '../../../../worker/scorer.ts';
import { openFast, openWhole } from '../../../../worker/scorer.ts';
import { Failure } from '../../../cli/faults.ts';
import type { Bound } from '../bound.ts';
import { paired } from '../bound.ts';
import type { Part } from '../part.ts';
import type { Results } from '../results.ts';
import type { Table } from '../rows.ts';
import type { Spread } from '../statistics.ts';
import { spread } from '../statistics.ts';
import { count } from '../text.ts';

/** Rows a call, and how many times as fast as ONNX Runtime on the same ready matrix. */
const KERNEL_BOUNDS = [
  [1, 1.5],
  [16, 2.5],
  [256, 3],
  [1000, 4.8],
] as const;
/** Rows a call, and how many times as fast as the whole graph, encoding and tensors included. */
const PATH_BOUNDS = [
  [1, 4],
  [256, 3.5],
] as const;
const LARGE = { rows: 1000, connections: 16 } as const;

/** The compiled model against ONNX Runtime, without HTTP, by rows a call. */
interface CompilerResult {
  /** The forest alone, on a ready matrix. */
  readonly kernel: readonly Pair[];
  /** From a request's values to its answers. */
  readonly path: readonly Pair[];
}

/** Compares the compiled model with ONNX Runtime, in this process and without HTTP. */
export const compiler: Part<CompilerResult> = {
  name: 'compiler',
  field: 'compiler',
  steps: () => 2,
  run: async ({ repository, table }, progress) => {
    const [whole] = await readRepository(repository);
    const model = whole && (await fastPathOf(whole));
    if (model?.fast?.path.rest.kind !== 'forest') throw new Failure('the measured model was not compiled');
    progress.step('compiler: the forest alone');
    const kernel = await compareForest(model, model.fast, table);
    progress.step('compiler: encoding and forest');
    return { kernel, path: await comparePaths(model, model.fast, table) };
  },
  bounds: (result, results) => [
    ...KERNEL_BOUNDS.map(([rows, limit]) => speedUp(result?.kernel, 'kernel', rows, limit)),
    ...PATH_BOUNDS.map(([rows, limit]) => speedUp(result?.path, 'path', rows, limit)),
    {
      id: 'large-cpu',
      what: '1,000 rows, 16 connections: CPU per request against echo + bare ONNX Runtime on the ready matrix',
      holds: 'at most',
      limit: 0.4,
      unit: '',
      measured: largeCpu(result, results),
      needs: '--parts rounds,compiler with 1,000 rows',
    },
    {
      id: 'large-fastapi',
      what: 'the same, rows/s against FastAPI + ONNX Runtime without a proxy',
      holds: 'at least',
      limit: 5,
      unit: '',
      measured: paired(
        results,
        ['server', 'fastapi'],
        LARGE,
        (server, peer) => server.requestsPerSecond / peer.requestsPerSecond,
      ),
      needs: '--peers with 1,000 rows',
    },
  ],
};

async function compareForest(model: Model, fast: Fast, table: Table): Promise<CompilerResult['kernel']> {
  const lifted = liftModel(await readFile(model.path), model.signature);
  if (!lifted.lifted || fast.path.rest.kind !== 'forest' || model.output.task !== 'classification')
    throw new Failure('the measured model is no lifted classifier');
  const { cells } = fast.encoder.encode(table.columns, table.data);
  return measureForest(
    {
      ...lifted.graph(),
      compiled: fast.path.rest.forest,
      output: model.output.probabilities,
      matrix: cells as Float32Array,
    },
    KERNEL_BOUNDS.map(([rows]) => rows),
  );
}

/** From the values of a request to its answers, by the steps of a server process and a thread. */
async function comparePaths(model: Model, fast: Fast, table: Table): Promise<CompilerResult['path']> {
  const { whole } = openTask(model, {
    cells: { whole: undefined, fast: undefined },
    answers: new SharedArrayBuffer(0),
  });
  const graph = await openWhole(whole as WholeGraph, model.output);
  const compiled = await openFast(fast.path, model.output);
  const answers = new Float64Array(MAX_BATCH_ROWS * answerWidth(model.output));
  const steps = (encoder: Encoder, scorer: Scorer) => (from: number, rows: number) => {
    const { cells, texts } = encoder.encode(table.columns, table.data.slice(from, from + rows));
    return scorer.score(cells, texts, rows, answers);
  };
  const pairs: Pair[] = [];
  for (const [rows] of PATH_BOUNDS) {
    pairs.push(
      await measurePair(rows, table.data.length, {
        onnxRuntime: steps(model.encoder, graph),
        ours: steps(fast.encoder, compiled),
      }),
    );
  }
  await graph.close();
  await compiled.close();
  return pairs;
}

const NAMES = {
  kernel: 'forest kernel against ONNX Runtime on the same matrix',
  path: 'encoding and kernel against the whole graph',
};

function speedUp(
  pairs: readonly Pair[] | undefined,
  kind: 'kernel' | 'path',
  rows: number,
  limit: number,
): Bound {
  const pair = pairs?.find((candidate) => candidate.rows === rows);
  return {
    id: `${kind}-${rows}`,
    what: `${NAMES[kind]}, ${count(rows)} rows a call: times as fast`,
    holds: 'at least',
    limit,
    unit: '',
    measured: pair && spread(pair.onnxRuntime.map((time, round) => time / (pair.ours[round] as number))),
    needs: '--parts compiler',
  };
}

/** Against what no server of this shape can avoid: HTTP, nginx and JSON, and ONNX Runtime with nothing around it. */
function largeCpu(result: CompilerResult | undefined, results: Results): Spread | undefined {
  const bare = result?.kernel.find(({ rows }) => rows === LARGE.rows);
  if (!bare) return undefined;
  const microseconds = LARGE.rows * spread(bare.onnxRuntime).median;
  return paired(
    results,
    ['server', 'echo'],
    LARGE,
    (server, echo) => server.cpuMicroseconds / (echo.cpuMicroseconds + microseconds),
  );
}
