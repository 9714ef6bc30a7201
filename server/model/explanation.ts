import type { Explanation, Model, NoExplanation } from './model.ts';

export const NO_TREES: NoExplanation = {
  reason: 'only tree ensembles behind encoders that the server has lifted are explained, and it is none',
};

/** By what the file says of the path in force. */
export const explanationOf = ({ engine, fast }: Model): Explanation =>
  engine.engine === 'forest' && fast ? fast.explanation : NO_TREES;
