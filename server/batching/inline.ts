import type { Forest } from '../../worker/forest/forest.ts';
import { createForest } from '../../worker/forest/forest.ts';
import { answerWidth } from '../../worker/protocol.ts';
import type { Model } from '../models/model.ts';
import type { Buffers } from '../opening.ts';

/**
 * Rows that are cheaper to answer in the server process than to send to a thread: the way there and back costs some
 * 50 µs of CPU time, a compiled forest 4 µs for a lone row and 1.5 µs a row for sixteen.
 */
export const MAX_INLINE_ROWS = 32;

/** Answers small batches in the server process itself. WebAssembly can't crash it. */
export interface InlineScorer {
  /** Where a batch of the model goes; undefined unless its engine is a compiled forest. */
  buffers(model: Model): Buffers | undefined;
  /** Answers the first rows of the model's buffers. */
  score(model: Model, rows: number): void;
}

export function createInlineScorer(models: readonly Model[]): InlineScorer {
  const forests = new Map<Model, { readonly forest: Forest; readonly buffers: Buffers }>();
  for (const model of models) {
    const rest = model.fast?.path.rest;
    if (model.engine.engine !== 'forest' || rest?.kind !== 'forest') continue;
    const forest = createForest(rest.forest, MAX_INLINE_ROWS);
    const answers = new Float64Array(MAX_INLINE_ROWS * answerWidth(model.output));
    forests.set(model, { forest, buffers: { cells: forest.input, answers } });
  }
  return {
    buffers: (model) => forests.get(model)?.buffers,
    score: (model, rows) => {
      const { forest, buffers } = forests.get(model) as NonNullable<ReturnType<typeof forests.get>>;
      forest.score(rows, buffers.answers);
    },
  };
}
