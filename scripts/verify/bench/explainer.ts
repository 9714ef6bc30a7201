import { createExplainer } from '../../../worker/explanation/explainer.ts';
import { findFastPath } from '../../../server/compiler/fastPath.ts';
import { loadExplanation } from '../../../server/loading/loadExplanation.ts';
import { readModelVersion } from '../../../server/loading/readModelVersion.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { listFolder } from '../../../server/repository/folder.ts';
import { Failure } from '../../cli/faults.ts';
import type { Table } from './rows.ts';

/** CPU time of a round at least, which a clock of milliseconds resolves. */
const ROUND_SECONDS = 1;

/** Explains rows of a shipped tree model in this thread. @returns seconds of CPU a row, for each round */
export async function measureExplainer(id: string, table: Table, rounds: number): Promise<number[]> {
  const { candidates } = await listFolder(fromHome('models'));
  const candidate = candidates.find((one) => one.id === id);
  if (!candidate) throw new Failure(`models/ holds no ${id}`);
  const { model, readOnnx } = await readModelVersion(candidate);
  const onnx = await readOnnx();
  const fast = onnx && findFastPath(model, onnx).fast;
  const packed = await loadExplanation({
    kind: 'explain',
    candidate,
    maxModelBytes: Infinity,
    sha256: model.signature.sha256,
  });
  if (!fast || 'reason' in packed) throw new Failure(`${id} can't be explained`);
  const explainer = createExplainer(packed);
  const { features, mostRows } = packed;
  const cells = fast.encoder.encode(table.columns, table.data).cells as Float32Array;
  const parts = Math.floor(cells.length / features / mostRows);
  let next = 0;
  const explainSome = (): void => {
    const from = (next++ % parts) * mostRows * features;
    explainer.explain(cells.subarray(from, from + mostRows * features), mostRows);
  };
  const measured: number[] = [];
  // The first round is only for the compiler of WebAssembly.
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage();
    let [rows, seconds] = [0, 0];
    while (seconds < ROUND_SECONDS) {
      explainSome();
      rows += mostRows;
      const { user, system } = process.cpuUsage(before);
      seconds = (user + system) / 1e6;
    }
    if (round > 0) measured.push(seconds / rows);
  }
  return measured;
}
