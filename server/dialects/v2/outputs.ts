import type { OutputFeed } from '../../../worker/protocol.ts';
import { classTexts } from '../../model/labels.ts';
import { writeNumbers } from '../forms/numbers.ts';
import { classificationTensor } from './classification.ts';
import type { OutputTensor } from './outputTensor.ts';
import { labelTensor, list } from './outputTensor.ts';
import { severalTensors } from './severalOutputs.ts';

function probabilitiesTensor(name: string, labels: readonly string[]): OutputTensor {
  const classes = labels.length;
  const width = 1 + classes;
  return {
    name,
    datatype: 'FP32',
    width: classes,
    json: (answers) => list(answers, width, (at) => writeNumbers(answers.subarray(at + 1, at + width))),
    binary: (answers) => {
      const bytes = Buffer.alloc((answers.length / width) * classes * 4);
      let offset = 0;
      answers.forEach((value, at) => {
        if (at % width !== 0) offset = bytes.writeFloatLE(value, offset);
      });
      return bytes;
    },
    classification: (count) =>
      classificationTensor({ name, width, offset: 1, columns: classes, labels }, count),
  };
}

function valueTensor(name: string): OutputTensor {
  return {
    name,
    datatype: 'FP64',
    width: undefined,
    json: (answers) => `[${writeNumbers(answers)}]`,
    binary: (answers) => {
      const bytes = Buffer.alloc(answers.length * 8);
      answers.forEach((value, at) => void bytes.writeDoubleLE(value, at * 8));
      return bytes;
    },
  };
}

/** All outputs of a model, by the names of its signature, in the order of an answer to a request that names none. */
export function outputTensors(output: OutputFeed): readonly OutputTensor[] {
  switch (output.task) {
    case 'regression':
      return [valueTensor(output.value)];
    case 'classification':
      return [
        labelTensor(output, { width: 1 + output.classes.length, offset: 0 }),
        probabilitiesTensor(output.probabilities, classTexts(output)),
      ];
    case 'several':
      return severalTensors(output);
  }
}
