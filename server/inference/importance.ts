import { meanSizes } from '../../worker/explanation/meanSizes.ts';
import type { Rows } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Explanations } from './explanations.ts';

/** Time that a first caller waits; what takes longer is there for a later one. */
const WAIT_MS = 1000;
/** Background rows whose sampled explanations are computed. */
const MOST_SAMPLED = 16;

/** Of each column the mean size of its contributions to the background rows. */
export type Importance = Readonly<Record<string, number>>;

export interface ImportanceOptions {
  readonly explanations: Pick<Explanations, 'explain' | 'describe' | 'backgroundOf'>;
  /** Computes it beside the threads; undefined where they must. */
  readonly load: (model: Model) => Promise<readonly number[] | undefined>;
}

/** @returns undefined without background rows, and while it is computed */
export type ImportanceOf = (model: Model) => Promise<Importance | undefined>;

const first = ({ rows, cells, texts }: Rows, most: number): Rows => ({
  rows: Math.min(rows, most),
  cells: cells.subarray(0, (cells.length / rows) * Math.min(rows, most)),
  texts: texts.filter(({ row }) => row < most),
});

/** Computes the importance of a model's columns once, at its first use. */
export function createImportance({ explanations, load }: ImportanceOptions): ImportanceOf {
  const known = new WeakMap<Model, Promise<Importance | undefined>>();
  const inThreads = async (model: Model): Promise<readonly number[] | undefined> => {
    const background = await explanations.backgroundOf(model);
    if (!background) return undefined;
    const some = { ...first(background, MOST_SAMPLED), warnings: [], warningsTotal: 0 };
    const { signal } = new AbortController();
    const { contributions } = await explanations.explain(model, some, { requestId: 'importance', signal });
    return [...meanSizes(contributions, model.signature.inputs.length)];
  };
  const compute = async (model: Model): Promise<Importance | undefined> => {
    const sizes = (await load(model)) ?? (await inThreads(model));
    if (!sizes) return undefined;
    // Digits beyond these are noise of the sample.
    const entries = model.signature.inputs.map(({ name }, at) => [
      name,
      Number((sizes[at] as number).toPrecision(6)),
    ]);
    return Object.fromEntries(entries) as Importance;
  };
  return (model) => {
    if (!model.backgroundRows || 'reason' in explanations.describe(model)) return Promise.resolve(undefined);
    let found = known.get(model);
    if (!found) {
      found = compute(model).catch(() => {
        // It says nothing of the model: the next caller tries again.
        known.delete(model);
        return undefined;
      });
      known.set(model, found);
    }
    return Promise.race([
      found,
      new Promise<undefined>((resolve) => void setTimeout(() => resolve(undefined), WAIT_MS).unref()),
    ]);
  };
}
