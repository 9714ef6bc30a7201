import type { GoldenRows, OutputFeed } from '../../worker/protocol.ts';
import type { Encoder } from '../encoding/encoder.ts';
import type { Signature } from './signature.ts';

/** A model version as a server process knows it: everything but the weights, which only threads open. */
export interface Model {
  readonly name: string;
  readonly version: number;
  /** `<name>/<version>`: the key in threads, in headers and in metrics. */
  readonly id: string;
  /** Path of the ONNX file. */
  readonly path: string;
  readonly signature: Signature;
  readonly encoder: Encoder;
  readonly output: OutputFeed;
  readonly golden: GoldenRows | undefined;
}

/** A model version that can't be served, and why, in one line. */
export class ModelRefused extends Error {
  constructor(model: string, reason: string) {
    super(`model ${model} refused: ${reason}`);
    this.name = 'ModelRefused';
  }
}
