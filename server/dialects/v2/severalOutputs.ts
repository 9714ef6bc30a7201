import type { SeveralFeed } from '../../../worker/protocol.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { classTexts } from '../../model/labels.ts';
import { writeNumber, writeNumbers } from '../forms/numbers.ts';
import { classificationTensor } from './classification.ts';
import type { OutputTensor } from './outputTensor.ts';
import { numberElement, labelTensor, list } from './outputTensor.ts';

/** Numbers of each row: `columns` of them, from `offset` on; undefined for one. */
function numbersTensor(
  name: string,
  width: number,
  offset: number,
  columns: number | undefined,
  datatype: 'FP64' | 'FP32' | 'INT64',
  labels?: readonly string[],
): OutputTensor {
  const count = columns ?? 1;
  const write = { FP64: 8, FP32: 4, INT64: 8 };
  return {
    name,
    datatype,
    width: columns,
    json: (answers) =>
      list(answers, width, (at) =>
        columns === undefined
          ? writeNumber(answers[at + offset] as number)
          : writeNumbers(answers.subarray(at + offset, at + offset + count)),
      ),
    binary: (answers) => {
      const bytes = Buffer.alloc((answers.length / width) * count * write[datatype]);
      let place = 0;
      for (let at = offset; at < answers.length; at += width) {
        for (let k = 0; k < count; k++) {
          const value = answers[at + k] as number;
          if (datatype === 'INT64') place += numberElement(value, false).copy(bytes, place);
          else
            place =
              datatype === 'FP64' ? bytes.writeDoubleLE(value, place) : bytes.writeFloatLE(value, place);
        }
      }
      return bytes;
    },
    ...(columns !== undefined && {
      classification: (most: number) => classificationTensor({ name, width, offset, columns, labels }, most),
    }),
  };
}

/** What each number of the scores is about: a class of the one label, or a label of several. */
function labelsOf({ values, scores }: SeveralFeed): readonly string[] | undefined {
  const [value] = values;
  if (scores?.name === 'probabilities') return values.map(({ name }) => name);
  if (!value?.classes) return undefined;
  return classTexts({ classes: value.classes, ...(value.floatClasses && { floatClasses: true }) });
}

/** One tensor for each value, or one for a vector; then the scores. */
export function severalTensors(output: SeveralFeed): readonly OutputTensor[] {
  const { values, scores, form } = output;
  const width = answerWidth(output);
  const tensors =
    form === 'vector'
      ? [numbersTensor(values[0]?.onnx ?? '', width, 0, values.length, 'FP64')]
      : values.map(({ name, classes, integer, floatClasses }, offset) =>
          classes
            ? labelTensor(
                { task: 'classification', label: name, classes, ...(floatClasses && { floatClasses }) },
                { width, offset },
              )
            : numbersTensor(name, width, offset, undefined, integer ? 'INT64' : 'FP64'),
        );
  if (!scores) return tensors;
  const columns = scores.name === 'score' ? undefined : scores.width;
  return [
    ...tensors,
    numbersTensor(
      scores.name,
      width,
      values.length,
      columns,
      scores.name === 'probabilities' ? 'FP32' : 'FP64',
      labelsOf(output),
    ),
  ];
}
