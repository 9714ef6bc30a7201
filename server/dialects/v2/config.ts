import type { Model } from '../../model/model.ts';
import { METADATA_DATATYPES } from './datatypes.ts';
import { PLATFORM } from './metadata.ts';
import type { OutputTensor } from './outputTensor.ts';

/** A tensor in Triton's configuration of a model. */
interface ConfigTensor {
  readonly name: string;
  readonly data_type: string;
  readonly dims: readonly number[];
}

/** What is true here of Triton's configuration of a model (`model_config.proto`). */
export interface V2Config {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly default_model_filename: string;
  readonly version_policy: { readonly specific: { readonly versions: readonly number[] } };
  /** 0: `dims` begin with the number of rows, which is any. */
  readonly max_batch_size: 0;
  readonly input: readonly ConfigTensor[];
  readonly output: readonly ConfigTensor[];
  readonly parameters: Readonly<Record<string, { readonly string_value: string }>>;
}

/** Triton's names of datatypes in a configuration. */
const typeOf = (datatype: string): string => `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`;

/** @param versions those that answer */
export function v2Config(
  { name, signature, engine }: Model,
  versions: readonly number[],
  outputs: readonly OutputTensor[],
): V2Config {
  return {
    name,
    platform: PLATFORM,
    backend: 'onnxruntime',
    default_model_filename: 'model.onnx',
    version_policy: { specific: { versions } },
    max_batch_size: 0,
    input: signature.inputs.map((input) => ({
      name: input.name,
      data_type: typeOf(METADATA_DATATYPES[input.type]),
      dims: [-1],
    })),
    output: outputs.map((output) => ({
      name: output.name,
      data_type: typeOf(output.datatype),
      dims: output.width === undefined ? [-1] : [-1, output.width],
    })),
    parameters: {
      engine: { string_value: engine.engine },
      task: { string_value: signature.task },
    },
  };
}

export const writeV2Config = (config: V2Config): string => JSON.stringify(config);
