import { refuse } from './checkEnsemble.ts';
import { PAGE, createForestMemory, reserve } from './forestMemory.ts';
import type { PackedTrees } from './packTrees.ts';
import { LANES, MAX_SLOTS, checkWord, createColumns } from './packTrees.ts';

const LANE_BITS = Math.log2(LANES);

/** The memory grows by this many bytes at least. */
const STEP = 2 ** 20;

/** Packed trees in a kernel's memory, which grows with them: they are never there twice. */
export interface NodeMemory {
  readonly memory: WebAssembly.Memory;
  /**
   * Appends packed trees, whose slots are counted from their roots.
   *
   * @param listStart added to where the leaves' lists begin; undefined where leaves have weights
   * @returns the slot of their first root
   */
  append(packed: PackedTrees, listStart?: number): number;
  /** Appends the idle leaf. No more trees follow. */
  close(idleLeaf: number): Pick<PackedTrees, 'nodes' | 'shift' | 'columns'> & { readonly idleSlot: number };
}

export function createNodeMemory(): NodeMemory {
  const memory = createForestMemory();
  const columns = createColumns();
  let known = 0;
  let shift = 0;
  let slots = 0;
  let capacity = 0;

  const words = (): Uint32Array => new Uint32Array(memory.buffer, PAGE, capacity / 4);
  const grow = (slotCount: number): void => {
    const missing = 8 * slotCount - capacity;
    if (missing > 0) {
      const added = Math.max(missing, STEP);
      // Nothing else has grown it, so the pages follow those before.
      reserve(memory, added);
      capacity += Math.ceil(added / PAGE) * PAGE;
    }
  };
  /** A larger tree has come: its slots take more bits. */
  const widen = (next: number): void => {
    const nodes = words();
    const mask = 2 ** shift - 1;
    for (let at = 1; at < 2 * slots; at += 2) {
      const go = nodes[at] as number;
      nodes[at] = (go >>> shift) * 2 ** next + (go & mask);
    }
    shift = next;
  };
  return {
    memory,
    append: (packed, listStart) => {
      // Without their idle leaf.
      const count = packed.nodes.length / 2 - 1;
      if (slots + count > MAX_SLOTS) refuse(`more than ${MAX_SLOTS} packed nodes`);
      const numbers = Uint32Array.from(packed.columns, columns.find);
      known = numbers.reduce((most, number) => Math.max(most, number), known);
      checkWord(known, Math.max(shift, packed.shift));
      if (packed.shift > shift) widen(packed.shift);
      grow(slots + count);
      const start = slots;
      const nodes = words().subarray(2 * start, 2 * (start + count));
      nodes.set(packed.nodes.subarray(0, 2 * count));
      slots += count;
      // Of most first trees, and with them of most small forests.
      const isRight = shift === packed.shift && numbers.every((number, at) => number === at + 1);
      if (isRight && !listStart) return start;
      const columnAt = LANE_BITS + packed.shift;
      const mask = 2 ** packed.shift - 1;
      /** By the column in the part; 0 in a leaf. */
      const columnBits = Uint32Array.of(0, ...numbers).map((number) => number << (LANE_BITS + shift));
      for (let at = 0; at < nodes.length; at += 2) {
        const go = nodes[at + 1] as number;
        const column = go >>> columnAt;
        nodes[at + 1] = (columnBits[column] as number) | (go & mask);
        // A list never begins at 0: that is an unused slot.
        if (column === 0 && listStart !== undefined && nodes[at] !== 0)
          nodes[at] = (nodes[at] as number) + listStart;
      }
      return start;
    },
    close: (idleLeaf) => {
      grow(slots + 1);
      const nodes = words().subarray(0, 2 * (slots + 1));
      nodes.set([idleLeaf, 0], 2 * slots);
      return { nodes, shift, columns: columns.list(), idleSlot: slots };
    },
  };
}
