import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Table } from '../rows.ts';

/** The naive server's thread: the rows of one request become a tensor a column, the whole graph runs. */
interface Signature {
  readonly inputs: readonly { readonly onnx: string; readonly type: string }[];
  readonly outputs: { readonly label: string };
}

const folder = workerData as string;
const { inputs, outputs } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as Signature;
const session = await InferenceSession.create(join(folder, 'model.onnx'), {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
});

export default async function predict({ data }: Table): Promise<string[]> {
  const feeds = Object.fromEntries(
    inputs.map(({ onnx, type }, k) => {
      const column = data.map((row) => row[k]);
      const tensor =
        type === 'string'
          ? new Tensor('string', column as string[], [data.length, 1])
          : new Tensor('float32', Float32Array.from(column as number[]), [data.length, 1]);
      return [onnx, tensor];
    }),
  );
  const { [outputs.label]: label } = await session.run(feeds);
  return label?.data as string[];
}
