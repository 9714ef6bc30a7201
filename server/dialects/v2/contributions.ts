import { classTexts } from '../../model/labels.ts';
import type { Model } from '../../model/model.ts';
import { invalidBody } from '../forms/json.ts';
import { writeNumbers } from '../forms/numbers.ts';
import type { OutputTensor } from './outputTensor.ts';
import type { WantedOutput } from './wanted.ts';

/** The output that explains: one more than columns wide, the base being the last. */
const NAME = 'contributions';

/** The outputs that a request may ask for by name: those of the model, whose name goes first, and the contributions. */
export function withContributions(
  { signature }: Pick<Model, 'signature'>,
  outputs: readonly OutputTensor[],
): readonly OutputTensor[] {
  if (outputs.some(({ name }) => name === NAME)) return outputs;
  const contributions: OutputTensor = {
    name: NAME,
    datatype: 'FP64',
    width: signature.inputs.length + 1,
    explains: true,
    json: (matrix) => `[${writeNumbers(matrix)}]`,
    binary: (matrix) => {
      const bytes = Buffer.alloc(matrix.length * 8);
      matrix.forEach((value, at) => void bytes.writeDoubleLE(value, at * 8));
      return bytes;
    },
  };
  return [...outputs, contributions];
}

/** The output that explains, if it is among those that are wanted. */
export const findContributions = (wanted: readonly WantedOutput[]): WantedOutput | undefined =>
  wanted.find(({ output }) => output.explains === true);

/** The class whose score is explained: an index, or that of each row's answer. @throws {Problem} invalid_body */
export function classOf(
  { output }: Pick<Model, 'output'>,
  { class: named }: WantedOutput,
): number | 'predicted' {
  if (named === undefined) return output.task === 'classification' ? 'predicted' : 0;
  const found = output.task === 'classification' ? classTexts(output).indexOf(named) : -1;
  if (found < 0) throw invalidBody('The "class" of the output "contributions" is no class of this model.');
  return found;
}
