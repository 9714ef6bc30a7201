import type { Model } from '../../model/model.ts';
import type { V2InferRequest } from './request.ts';

/** An answer of the Open Inference Protocol: JSON, followed by the outputs that are wanted as binary data. */
export interface V2InferAnswer {
  readonly json: string;
  readonly binary: readonly Buffer[];
}

/** Writes the outputs that a request wants. @param contributions of the output that explains, if it is wanted */
export function writeV2InferAnswer(
  { name, version }: Model,
  { id, wanted, ignored }: Omit<V2InferRequest, 'tensors'>,
  rows: number,
  answers: Float64Array,
  contributions: Float64Array | undefined,
): V2InferAnswer {
  const binary: Buffer[] = [];
  const outputs = wanted.map(({ output, binary: asBinary }) => {
    const shape = output.width === undefined ? `[${rows}]` : `[${rows},${output.width}]`;
    const head = `{"name":${JSON.stringify(output.name)},"datatype":"${output.datatype}","shape":${shape}`;
    const source = output.explains === true && contributions ? contributions : answers;
    if (!asBinary) return `${head},"data":${output.json(source)}}`;
    const bytes = output.binary(source);
    binary.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const echoed = id === undefined ? '' : `"id":${JSON.stringify(id)},`;
  const named = ignored.length === 0 ? '' : `"parameters":{"ignored":${JSON.stringify(ignored.join(', '))}},`;
  return {
    json: `{"model_name":"${name}","model_version":"${version}",${echoed}${named}"outputs":[${outputs.join(',')}]}`,
    binary,
  };
}
