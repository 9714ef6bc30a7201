import type { Input, Signature } from '../../../server/model/signature.ts';
import { createRandom } from '../../cli/createRandom.ts';
import { Failure, Interrupted, reasonOf } from '../../cli/faults.ts';
import { describeProblem } from '../../cli/post.ts';
import type { Cell, Rows } from './rows.ts';

function drawCell({ type, categories, range, example }: Input, random: number): Cell {
  const [low, high] = range ?? [0, 1];
  switch (type) {
    case 'string':
      return categories?.[Math.floor(random * categories.length)] ?? example ?? '';
    case 'boolean':
      return random < 0.5;
    case 'integer':
      return Math.floor(low + random * (high - low + 1));
    case 'number': {
      // About three digits of the range, and one decimal at least.
      const step = 10 ** Math.min(9, Math.max(1, Math.floor(3 - Math.log10(high - low))));
      return Math.round((low + random * (high - low)) * step) / step;
    }
  }
}

/** Rows whose cells are drawn from the model's own categories and ranges, the same for the same seed. */
export function makeRows(inputs: readonly Input[], count: number, seed: number): Rows {
  const random = createRandom(seed);
  return {
    columns: inputs.map(({ name }) => name),
    data: Array.from({ length: count }, () => inputs.map((input) => drawCell(input, random()))),
  };
}

/**
 * The signature of the model that answers at an address, as its server gives it.
 *
 * @throws {Failure} when the server gives none
 */
export async function signatureAt(url: URL, timeoutMs: number, interrupt: AbortSignal): Promise<Signature> {
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), interrupt]);
  try {
    const shown = new URL(url);
    shown.search = '';
    // GET shows a call of the model, with its name and version in a header.
    const call = await fetch(shown, { redirect: 'manual', signal });
    const [name, version] = call.headers.get('x-model')?.split('/') ?? [];
    if (name === undefined || version === undefined)
      throw new Failure(`no model answers there: ${describeProblem(call.status, await call.text())}`);
    const path = `/models/${encodeURIComponent(name)}/versions/${version}`;
    const answer = await fetch(new URL(path, url), { redirect: 'manual', signal });
    if (answer.status !== 200) throw new Failure(describeProblem(answer.status, await answer.text()));
    return (await answer.json()) as Signature;
  } catch (error) {
    if (interrupt.aborted) throw new Interrupted();
    throw error instanceof Failure ? error : new Failure(reasonOf(error));
  }
}
