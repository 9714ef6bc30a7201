import { fromHome } from '../../../server/platform/install.ts';
import { openExplanation } from '../../models/openExplanation.ts';
import type { Table } from './rows.ts';

/** CPU time of a round at least, which a clock of milliseconds resolves. */
const ROUND_SECONDS = 1;

/** Explains rows of a shipped tree model in this thread. @returns seconds of CPU a row, for each round */
export async function measureExplainer(id: string, table: Table, rounds: number): Promise<number[]> {
  const { features, mostRows, encode, contributions } = await openExplanation(fromHome('models'), id);
  const cells = encode(table);
  const parts = Math.floor(cells.length / features / mostRows);
  let next = 0;
  const explainSome = (): void => {
    const from = (next++ % parts) * mostRows * features;
    contributions(cells.subarray(from, from + mostRows * features), mostRows);
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
