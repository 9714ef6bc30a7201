import type { Model } from '../../model/model.ts';
import { METADATA_DATATYPES } from './datatypes.ts';
import type { OutputTensor } from './outputTensor.ts';

/** Triton's name for ONNX models. */
export const PLATFORM = 'onnxruntime_onnx';

const EXTENSIONS = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'schedule_policy',
  'statistics',
];

/** The metadata of the server. Extensions have Triton's names. */
export const v2Server = (version: string): object => ({
  name: 'servemodel',
  version,
  extensions: EXTENSIONS,
});

/** The metadata of a model. -1 stands for any number of rows. */
export function v2Model(
  { name, signature }: Model,
  versions: readonly number[],
  outputs: readonly OutputTensor[],
): object {
  return {
    name,
    versions: versions.map(String),
    platform: PLATFORM,
    inputs: signature.inputs.map((input) => ({
      name: input.name,
      datatype: METADATA_DATATYPES[input.type],
      shape: [-1],
    })),
    outputs: outputs.map((output) => ({
      name: output.name,
      datatype: output.datatype,
      shape: output.width === undefined ? [-1] : [-1, output.width],
    })),
  };
}
