import type { OutputFeed } from '../../worker/protocol.ts';

/** Where the answers of a classification are. */
export type Classification = Extract<OutputFeed, { task: 'classification' }>;

/** A model's classes as texts, in their order. JavaScript has no 1.0 beside 1, so floats get their point here. */
export const classTexts = ({
  classes,
  floatClasses,
}: Pick<Classification, 'classes' | 'floatClasses'>): string[] =>
  classes.map((label) => `${label}${floatClasses && Number.isInteger(label) ? '.0' : ''}`);

/** A model's classes as JSON. */
export function classesAsJson(output: Classification): string[] {
  const texts = classTexts(output);
  return output.classes.map((label, at) =>
    typeof label === 'string' ? JSON.stringify(label) : (texts[at] as string),
  );
}
