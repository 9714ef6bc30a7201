import type { EncodedRows, Table } from '../../model/rows.ts';
import type { Model } from '../../model/model.ts';
import type { OutputTensor } from './outputTensor.ts';
import type { V2InferRequest } from './request.ts';
import { readHead, readV2InferRequest } from './request.ts';
import { toTable } from './table.ts';

type Target = Pick<Model, 'name' | 'version' | 'encoder' | 'signature'>;

/** A request with its rows. */
export interface V2Rows {
  readonly request: Omit<V2InferRequest, 'tensors'>;
  readonly table: Table;
  /** Where the tensors were read straight into the matrix. */
  readonly encoded?: EncodedRows;
}

const INPUTS = Buffer.from('"inputs"');
/** What stands in front of the tensors: identifiers, and which outputs are wanted. */
const MOST_HEAD_BYTES = 4096;
const NO_LIST = Buffer.from('[]');
const LIST = '['.charCodeAt(0);
const COLON = ':'.charCodeAt(0);

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Where the list behind the first `"inputs":` begins. */
function listIn(json: Buffer): number | undefined {
  let at = json.subarray(0, MOST_HEAD_BYTES).indexOf(INPUTS) + INPUTS.length;
  if (at < INPUTS.length) return undefined;
  while (isSpace(json[at])) at++;
  if (json[at++] !== COLON) return undefined;
  while (isSpace(json[at])) at++;
  return json[at] === LIST ? at : undefined;
}

/** Rows of tensors: they are made when an observer looks at them. */
class TensorsTable implements Table {
  readonly columns: readonly string[];
  readonly heldBytes: number;
  readonly #read: () => readonly unknown[];
  #data: readonly unknown[] | undefined;

  constructor(columns: readonly string[], heldBytes: number, read: () => readonly unknown[]) {
    this.columns = columns;
    this.heldBytes = heldBytes;
    this.#read = read;
  }

  get data(): readonly unknown[] {
    return (this.#data ??= this.#read());
  }
}

/** The long way, which alone says what is wrong. @throws {Problem} as readV2InferRequest and toTable */
function readLong(
  bytes: Buffer,
  headerLength: number | undefined,
  model: Target,
  all: readonly OutputTensor[],
): V2Rows {
  const request = readV2InferRequest(bytes, headerLength, model, all);
  return { request, table: toTable(request.tensors, model.signature.inputs) };
}

/** Reads flat tensors from their bytes; undefined where there is any doubt. */
export function readShort(
  bytes: Buffer,
  headerLength: number | undefined,
  model: Target,
  all: readonly OutputTensor[],
): V2Rows | undefined {
  const length = headerLength ?? bytes.length;
  if (model.encoder.readTensors === undefined || length > bytes.length) return undefined;
  const json = bytes.subarray(0, length);
  const from = listIn(json);
  const read = from === undefined ? undefined : model.encoder.readTensors(bytes, from, length);
  if (from === undefined || read === undefined) return undefined;
  const head = Buffer.concat([json.subarray(0, from), NO_LIST, json.subarray(read.end)]);
  // Another "inputs", perhaps with escapes, would be the one that counts.
  if (head.includes('\\') || head.indexOf(INPUTS) !== head.lastIndexOf(INPUTS)) return undefined;
  let request;
  try {
    request = readHead(head, model, all);
  } catch {
    return undefined;
  }
  const { inputs, ...rest } = request;
  if (!Array.isArray(inputs)) return undefined;
  const data = (): readonly unknown[] => readLong(bytes, headerLength, model, all).table.data;
  return {
    request: rest,
    table: new TensorsTable(read.columns, bytes.length, data),
    encoded: read.encoded,
  };
}

/**
 * Reads a request of the Open Inference Protocol: flat tensors of a lifted model from their bytes, any others by `readV2InferRequest`.
 *
 * @param headerLength bytes of the JSON, which binary data follow; undefined if all is JSON
 * @param all the outputs of the model
 * @throws {Problem} invalid_body, invalid_json, invalid_encoding, invalid_columns or invalid_rows
 */
export const readV2Rows = (...request: Parameters<typeof readLong>): V2Rows =>
  readShort(...request) ?? readLong(...request);
