import type { PackedTrees } from './packTrees.ts';
import { LANES } from './packTrees.ts';

/** The kernel has code of its own for each of these: WALKS in kernel.c. */
const SHIFTS = [16, 20];

/** How the kernel reads a node's second word. */
export interface SlotForm {
  /** Number of low bits that hold a slot; the others hold 8 times a column. */
  readonly shift: number;
  /** Slots count from the first node; otherwise from their tree's root. */
  readonly absolute: boolean;
}

/**
 * Rewrites slots that count from their roots so that they count from the first node, in place. Where slots and columns
 * don't fit into a word then, nothing changes.
 *
 * @param packed its roots ascend
 */
export function makeSlotsAbsolute({
  nodes,
  roots,
  shift,
  columns,
}: Pick<PackedTrees, 'nodes' | 'roots' | 'shift' | 'columns'>): SlotForm {
  const slots = nodes.length / 2;
  const fits = (next: number): boolean =>
    slots <= 2 ** next && (columns.length + 1) * LANES * 2 ** next <= 2 ** 32;
  const next = SHIFTS.find(fits);
  if (next === undefined) return { shift, absolute: false };
  const mask = 2 ** shift - 1;
  roots.forEach((root, tree) => {
    const end = roots[tree + 1] ?? slots;
    for (let at = 2 * root + 1; at < 2 * end; at += 2) {
      const go = nodes[at] as number;
      nodes[at] = (go >>> shift) * 2 ** next + (go & mask) + root;
    }
  });
  return { shift: next, absolute: true };
}
