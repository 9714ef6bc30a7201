import type { Forest } from '../../worker/forest/forest.ts';
import { createForest } from '../../worker/forest/forest.ts';
import type { Model } from '../models/model.ts';
import type { Job } from './job.ts';

/** Rows that are cheaper to answer here than to send to a thread and back, which costs as much as about ten. */
const MAX_ROWS = 8;

/** Answers a request in the server process itself. */
export interface LoneScorer {
  /** @returns whether the job's answers are filled: only for a small request on a compiled forest */
  score(job: Job): boolean;
}

/**
 * The lone row: when nothing else is going on, the way to a thread and back costs ten times what a compiled forest
 * needs for a row. WebAssembly can't crash the process; everything else goes to the threads, and so do all rows under
 * load.
 */
export function createLoneScorer(models: readonly Model[]): LoneScorer {
  const forests = new Map<Model, Forest>();
  for (const model of models) {
    const rest = model.fast?.path.rest;
    if (model.engine.engine === 'forest' && rest?.kind === 'forest') {
      forests.set(model, createForest(rest.forest, MAX_ROWS));
    }
  }
  return {
    score: ({ model, rows, answers }) => {
      const forest = forests.get(model);
      if (!forest || rows.rows > MAX_ROWS) return false;
      forest.input.set(rows.cells);
      forest.score(rows.rows, answers);
      return true;
    },
  };
}
