import { strict as assert } from 'node:assert';
import type { CompiledForest } from '../compileForest.ts';

/** Expects that every walk of the kernel stays within the packed arrays and comes to an end. */
export function expectInBounds(compiled: CompiledForest): void {
  const { nodes, roots, targets, lists, columns, shift, absolute, trees, features, width } = compiled;
  assert(roots.length % 8 === 0 && targets.length === roots.length && trees <= roots.length);
  assert(columns.every((column) => column >> 1 < features));

  const checkLeaf = (tree: number, slot: number): void => {
    if (lists.length === 0) {
      assert((targets[tree] as number) < width);
      return;
    }
    const list = nodes[2 * slot] as number;
    const count = lists[list] as number;
    assert(list + 2 * count < lists.length);
    for (let i = 0; i < count; i++) assert((lists[list + 1 + 2 * i] as number) < width);
  };

  roots.forEach((root, tree) => {
    const end = roots.find((next) => next > root) ?? nodes.length / 2;
    const seen = new Map<number, 'open' | 'done'>();
    /** Depth first: a path to a slot that is still open is a cycle. */
    const visit = (slot: number): void => {
      assert(slot >= 0 && root + slot < end);
      assert(seen.get(slot) !== 'open');
      if (seen.has(slot)) return;
      seen.set(slot, 'open');
      const go = nodes[2 * (root + slot) + 1] as number;
      const [column, pair] = [(go >>> shift) / 8, (go % 2 ** shift) - (absolute ? root : 0)];
      assert(Number.isInteger(column));
      assert(column <= columns.length);
      if (column > 0) {
        visit(pair);
        visit(pair + 1);
      } else {
        assert(pair === slot);
        checkLeaf(tree, root + slot);
      }
      seen.set(slot, 'done');
    };
    visit(0);
  });
}
