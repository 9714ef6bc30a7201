import { readFileSync } from 'node:fs';
import { fromHome } from '../../../server/platform/install.ts';
import type { Input, Signature } from '../../../server/model/signature.ts';

/** Records in whose columns the model's own categories and ranges are drawn from. */
export type Draw = () => Record<string, unknown>;

function drawCell({ type, categories = [''], range: [low, high] = [0, 1] }: Input, random: number): unknown {
  switch (type) {
    case 'string':
      return categories[Math.floor(random * categories.length)];
    case 'boolean':
      return random < 0.5;
    case 'integer':
      return Math.floor(low + random * (high - low + 1));
    case 'number':
      return Math.round((low + random * (high - low)) * 10) / 10;
  }
}

/** The columns of the cost model, which needn't be served from here. */
export function readInputs(): readonly Input[] {
  const json = readFileSync(fromHome('models/cost/1/model.json'), 'utf8');
  return (JSON.parse(json) as Signature).inputs;
}

export const createDraw =
  (inputs: readonly Input[], random: () => number): Draw =>
  () =>
    Object.fromEntries(inputs.map((input) => [input.name, drawCell(input, random())]));
