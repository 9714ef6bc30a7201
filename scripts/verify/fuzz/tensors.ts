import { outputTensors } from '../../../server/dialects/v2/outputs.ts';
import { readV2InferRequest } from '../../../server/dialects/v2/request.ts';
import { toTable } from '../../../server/dialects/v2/table.ts';
import { createRandomTensors } from '../../../server/encoding/bytes/testing/randomTensors.ts';
import type { Model } from '../../../server/model/model.ts';
import type { Table } from '../../../server/model/rows.ts';
import { readTensorsBothWays } from '../../../server/testing/tensorsBothWays.ts';
import { JSON_WORDS, checkTable, json } from './tables.ts';
import type { Target } from './target.ts';

const NEWLINE = 0x0a;
/** Requests made from each input beside the input itself: most of them are taken from their bytes. */
const MADE = 4;

/** The decoder of V2's tensors, as JSON and as binary data. */
export function tensorTargets(model: Model, row: readonly unknown[]): Target[] {
  const { inputs } = model.signature;
  const names = inputs.map(({ name }) => name);
  const words = [...JSON_WORDS, ...names.map((name) => `"${name}"`)];
  const tensors = names.map((name, at) => ({
    name,
    shape: [1],
    datatype: typeof row[at] === 'string' ? 'BYTES' : 'FP64',
    data: [row[at]],
  }));
  const contents = tensors.map(({ data, ...tensor }) =>
    tensor.datatype === 'BYTES'
      ? {
          ...tensor,
          contents: { bytes_contents: data.map((cell) => Buffer.from(String(cell)).toString('base64')) },
        }
      : { ...tensor, contents: { fp64_contents: data } },
  );
  const encoded = tensors.map((tensor) =>
    tensor.datatype === 'BYTES'
      ? {
          ...tensor,
          data: tensor.data.map((cell) => Buffer.from(String(cell)).toString('base64')),
          parameters: { content_type: 'base64' },
        }
      : { ...tensor, datatype: 'BF16', data: [1] },
  );
  const half = json({
    inputs: [{ name: 'age', shape: [2], datatype: 'FP16', parameters: { binary_data_size: 4 } }],
  });
  const binary = json({
    inputs: [{ name: 'age', shape: [2], datatype: 'INT32', parameters: { binary_data_size: 8 } }],
  });
  return [
    {
      // The first line is the length of the JSON behind it; without a number all of it is JSON.
      name: 'v2',
      seeds: [
        Buffer.concat([Buffer.from('\n'), json({ inputs: tensors, id: 'x' })]),
        Buffer.concat([
          Buffer.from(`${binary.length}\n`),
          binary,
          Buffer.from([1, 0, 0, 0, 255, 255, 255, 255]),
        ]),
        Buffer.concat([Buffer.from('\n'), json({ inputs: contents })]),
        Buffer.concat([Buffer.from('\n'), json({ inputs: encoded })]),
        Buffer.concat([Buffer.from(`${half.length}\n`), half, Buffer.from([0, 0x3c, 1, 0x7c])]),
      ],
      words: [
        ...words,
        '"shape":',
        '"datatype":',
        'BYTES',
        'FP32',
        'UINT64',
        'INT8',
        'BOOL',
        'FP16',
        'BF16',
        '"contents":',
        '"bytes_contents":',
        '"content_type":"base64"',
        '"binary_data_size":',
        '"parameters":',
      ],
      check: (input) => {
        const end = input.indexOf(NEWLINE);
        const first = input.subarray(0, Math.max(0, end)).toString('latin1');
        const length = /^\d{1,10}$/.test(first) ? Number(first) : undefined;
        if (model.fast)
          readTensorsBothWays(
            { ...model, encoder: model.fast.encoder },
            input.subarray(end + 1),
            length,
            outputTensors(model.output),
          );
        const next = createRandomTensors(input.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 7));
        for (let made = 0; made < MADE; made++) {
          const { model: other, bytes, headerLength } = next();
          readTensorsBothWays(other, bytes, headerLength);
        }
        const read = (): Table =>
          toTable(
            readV2InferRequest(input.subarray(end + 1), length, model, outputTensors(model.output)).tensors,
            inputs,
          );
        return checkTable(model, read);
      },
    },
  ];
}
