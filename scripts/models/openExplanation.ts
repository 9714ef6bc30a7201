import { findFastPath } from '../../server/compiler/fastPath.ts';
import type { ScoreExplanation } from '../../server/dialects/explanation.ts';
import { explanationAt } from '../../server/dialects/explanation.ts';
import { loadExplanation } from '../../server/loading/loadExplanation.ts';
import { readModelVersion } from '../../server/loading/readModelVersion.ts';
import type { Model } from '../../server/model/model.ts';
import { listFolder } from '../../server/repository/folder.ts';
import type { Explainer } from '../../worker/explanation/explainer.ts';
import { createExplainer } from '../../worker/explanation/explainer.ts';
import type { PackedExplanation } from '../../worker/explanation/packExplanation.ts';
import { Failure } from '../cli/faults.ts';
import type { FileRows } from './readRows.ts';

/** A version that is explained in this thread, by what a server explains it with. */
export interface OpenExplanation {
  readonly model: Model;
  readonly packed: PackedExplanation;
  readonly explainer: Explainer;
  /** [rows, features]. */
  encode(rows: FileRows): Float32Array;
  /** @param labels for each row the class whose score is explained, as an index; 0 for a value */
  explain(rows: FileRows, labels: readonly number[]): ScoreExplanation[];
}

/** @throws {Failure} where a server would answer not_explainable */
export async function openExplanation(repository: string, id: string): Promise<OpenExplanation> {
  const { candidates } = await listFolder(repository);
  const candidate = candidates.find((one) => one.id === id);
  if (!candidate) throw new Failure(`${repository} holds no ${id}`);
  const { model, readOnnx } = await readModelVersion(candidate);
  const onnx = await readOnnx();
  const fast = onnx && findFastPath(model, onnx).fast;
  const packed = await loadExplanation({
    kind: 'explain',
    candidate,
    maxModelBytes: Infinity,
    sha256: onnx?.sha256,
  });
  if ('reason' in packed || !fast)
    throw new Failure(`${id} can't be explained: ${'reason' in packed ? packed.reason : 'it is not lifted'}`);
  const explainer = createExplainer(packed);
  const { features } = packed;
  const encode: OpenExplanation['encode'] = ({ columns, data }) =>
    fast.encoder.encode(columns, data, { ignoreExtra: true }).cells as Float32Array;
  return {
    model,
    packed,
    explainer,
    encode,
    explain: (rows, labels) => {
      const cells = encode(rows);
      return labels.map((label, row) => {
        const contributions = explainer.explain(cells.subarray(row * features, (row + 1) * features), 1);
        return explanationAt(packed, contributions.slice(), 0, label);
      });
    },
  };
}
