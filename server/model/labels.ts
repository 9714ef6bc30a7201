import type { OutputFeed } from '../../worker/protocol.ts';

/** Where the answers of a classification are. */
export type Classification = Extract<OutputFeed, { task: 'classification' }>;

/** The classes of a label. */
type Classes = Pick<Classification, 'classes' | 'floatClasses'>;

/** A label's classes as texts, in their order. JavaScript has no 1.0 beside 1, so floats get their point here. */
export const classTexts = ({ classes, floatClasses }: Classes): string[] =>
  classes.map((label) => `${label}${floatClasses && Number.isInteger(label) ? '.0' : ''}`);

/** A label's classes as JSON. */
export function classesAsJson(output: Classes): string[] {
  const texts = classTexts(output);
  return output.classes.map((label, at) =>
    typeof label === 'string' ? JSON.stringify(label) : (texts[at] as string),
  );
}
