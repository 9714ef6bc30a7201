import { findFastPath } from '../../server/compiler/fastPath.ts';
import type { ScoreExplanation } from '../../server/dialects/explanation.ts';
import { explanationAt } from '../../server/dialects/explanation.ts';
import { loadExplanation } from '../../server/loading/explanation/loadExplanation.ts';
import { readModelVersion } from '../../server/loading/readModelVersion.ts';
import type { Model } from '../../server/model/model.ts';
import { listFolder } from '../../server/repository/folder.ts';
import { createExplainer } from '../../worker/explanation/explainer.ts';
import { explainLinear } from '../../worker/explanation/linear.ts';
import { Failure } from '../cli/faults.ts';
import type { FileRows } from './readRows.ts';

/** A version that is explained exactly, in this thread, by what a server explains it with. */
export interface OpenExplanation {
  readonly model: Model;
  /** What adds up. */
  readonly space: string;
  readonly features: number;
  /** Rows of a call at most. */
  readonly mostRows: number;
  /** [rows, features]. */
  encode(rows: FileRows): Float32Array;
  /** @returns [rows, outputs, columns] */
  contributions(cells: Float32Array, rows: number): Float64Array;
  /** @param labels for each row the class whose score is explained, as an index; 0 for a value */
  explain(rows: FileRows, labels: readonly number[]): ScoreExplanation[];
}

/** @throws {Failure} where a server would answer not_explainable, and for explanations of a sample */
export async function openExplanation(repository: string, id: string): Promise<OpenExplanation> {
  const { candidates } = await listFolder(repository);
  const candidate = candidates.find((one) => one.id === id);
  if (!candidate) throw new Failure(`${repository} holds no ${id}`);
  const { model, readOnnx } = await readModelVersion(candidate);
  const onnx = await readOnnx();
  const fast = onnx && findFastPath(model, onnx).fast;
  const prepared = await loadExplanation({
    candidate,
    maxModelBytes: Infinity,
    sha256: onnx?.sha256,
    path: fast ? 'lifted' : 'whole',
  });
  if ('reason' in prepared) throw new Failure(`${id} can't be explained: ${prepared.reason}`);
  if (prepared.kind === 'sampled' || !fast)
    throw new Failure(`${id} is explained by sampling: its contributions have errors of their own`);
  const { features } = prepared;
  const explainer = prepared.kind === 'trees' ? createExplainer(prepared) : undefined;
  const contributions: OpenExplanation['contributions'] = (cells, rows) =>
    prepared.kind === 'linear'
      ? explainLinear(prepared, cells, rows)
      : (explainer?.explain(cells, rows) ?? new Float64Array());
  const encode: OpenExplanation['encode'] = ({ columns, data }) =>
    fast.encoder.encode(columns, data, { ignoreExtra: true }).cells as Float32Array;
  return {
    model,
    space: prepared.space,
    features,
    mostRows: prepared.kind === 'trees' ? prepared.mostRows : 1,
    encode,
    contributions,
    explain: (rows, labels) => {
      const cells = encode(rows);
      return labels.map((label, row) => {
        const own = contributions(cells.subarray(row * features, (row + 1) * features), 1).slice();
        return explanationAt({ packed: prepared, contributions: own }, 0, label);
      });
    },
  };
}
