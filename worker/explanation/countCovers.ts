import type { TreeEnsemble } from '../forest/ensemble.ts';
import { findStructure } from '../forest/structure.ts';
import { walkTree } from './walkTree.ts';

/**
 * Counts the rows that come to each node.
 *
 * @param cells [rows, features]
 * @throws {EnsembleRefused} for an ensemble that is damaged
 */
export function countCovers(ensemble: TreeEnsemble, cells: Float32Array, features: number): Float32Array {
  const structure = findStructure(ensemble);
  const covers = new Float32Array(ensemble.nodeIds.length);
  const count = (node: number): void => {
    (covers[node] as number)++;
  };
  for (let from = 0; from < cells.length; from += features) {
    const row = cells.subarray(from, from + features);
    for (const { start } of structure.trees) walkTree(ensemble, structure, start, row, count);
  }
  return covers;
}
